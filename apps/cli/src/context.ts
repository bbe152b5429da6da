import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { CommandError, EXIT, type ExitCode } from './exit-code.ts';
import { duration } from './format.ts';
import { LocalStart } from './local-start.ts';
import { OperatorApi } from './operator-api.ts';
import { type Streams, Terminal } from './terminal.ts';

/** Options that every command has. */
export interface GlobalOptions {
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly watch?: string | true;
  readonly yes?: boolean;
}

/** Scopes of the token that is made beside a local start, and how long it lives. */
const LOCAL_SCOPE = 'ops:read ops:write events:publish';
const LOCAL_TOKEN_S = 600;
const DEFAULT_WATCH_MS = 2_000;

/** What commands share: where the API is and as whom, and how to answer. */
export class Context {
  readonly terminal: Terminal;
  readonly local: LocalStart;
  readonly stdin: NodeJS.ReadStream;
  readonly signal: AbortSignal;
  /** What the process will end with. */
  exitCode: number = EXIT.ok;
  readonly #streams: Streams;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(streams: Streams, environment: NodeJS.ProcessEnv, signal: AbortSignal) {
    this.terminal = new Terminal(streams, environment);
    this.local = new LocalStart(environment);
    this.stdin = streams.stdin;
    this.signal = signal;
    this.#streams = streams;
    this.#environment = environment;
  }

  /** @throws CommandError where nobody says as whom */
  api(command: Command): OperatorApi {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { REJOIN_OPS_URL, REJOIN_TOKEN, OPS_PORT = '3100' } = this.#environment;
    const url = (options.url ?? REJOIN_OPS_URL) || `http://localhost:${OPS_PORT}`;
    if (!URL.canParse(url))
      throw new CommandError(EXIT.usage, `"${url}" is no address: for example --url http://localhost:3100`);
    const token = (options.token ?? REJOIN_TOKEN) || this.#localToken(url);
    return new OperatorApi({ url, token });
  }

  /** Writes one document, or draws; again and again with `--watch`. */
  async show<Answer>(command: Command, read: () => Promise<Answer>, draw: (answer: Answer) => void): Promise<Answer> {
    const { json = false, watch } = command.optsWithGlobals<GlobalOptions>();
    if (watch === undefined) {
      const answer = await read();
      if (json) this.#write(JSON.stringify(answer, null, 2));
      else draw(answer);
      return answer;
    }
    const everyMs = watch === true ? DEFAULT_WATCH_MS : duration(watch);
    for (;;) {
      const answer = await read();
      if (json) this.#write(JSON.stringify(answer));
      else {
        this.terminal.redraw();
        draw(answer);
      }
      await this.wait(everyMs);
      if (this.signal.aborted) return answer;
    }
  }

  /** Resolves after a time, or when the process is told to end. */
  async wait(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.signal });
    } catch (error) {
      // Told to end: whoever waits looks at the signal next.
      if (!this.signal.aborted) throw error;
    }
  }

  /** @throws CommandError where it is not confirmed */
  async confirm(command: Command, what: string, answer: string): Promise<void> {
    const { yes = false } = command.optsWithGlobals<GlobalOptions>();
    if (yes) return;
    if (!this.terminal.isInteractive)
      throw new CommandError(EXIT.refused, `${what}: say --yes to do this without being asked`);
    const given = await this.terminal.ask(`${what}. Type ${answer} to go on: `);
    if (given !== answer) throw new CommandError(EXIT.refused, 'not confirmed; nothing was done');
  }

  end(code: ExitCode): void {
    this.exitCode = code;
  }

  #write(text: string): void {
    this.#streams.stdout.write(`${text}\n`);
  }

  #localToken(url: string): string {
    if (!this.local.isThere || !this.local.trusts(url)) {
      throw new CommandError(
        EXIT.refused,
        'a token is needed: --token or REJOIN_TOKEN; beside a local `npm start` there is one by itself',
      );
    }
    return this.local.mint({
      sub: this.#environment.USER ?? 'operator',
      scope: LOCAL_SCOPE,
      expiresInS: LOCAL_TOKEN_S,
    });
  }
}
