import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { CommandError, EXIT, type ExitCode } from './exit-code.ts';
import { LocalStart } from './local-start.ts';
import { OperatorApi } from './operator-api.ts';
import { type Streams, Terminal } from './terminal.ts';

/** Options that every command has, and those that several have. */
export interface CommonOptions {
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly watch?: number | true;
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
  readonly signal: AbortSignal;
  /** What the process will end with. */
  exitCode: number = EXIT.ok;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(streams: Streams, environment: NodeJS.ProcessEnv, signal: AbortSignal) {
    this.terminal = new Terminal(streams, environment);
    this.local = new LocalStart(environment);
    this.signal = signal;
    this.#environment = environment;
  }

  /** @throws CommandError where nobody says as whom */
  api(command: Command, { timeoutMs }: { readonly timeoutMs?: number } = {}): OperatorApi {
    const options = command.optsWithGlobals<CommonOptions>();
    const { REJOIN_OPS_URL, REJOIN_TOKEN, OPS_PORT = '3100' } = this.#environment;
    const url = (options.url ?? REJOIN_OPS_URL) || (this.local.opsUrl ?? `http://localhost:${OPS_PORT}`);
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new CommandError(EXIT.usage, `"${url}" is no address: for example --url http://localhost:3100`);
    const given = (options.token ?? REJOIN_TOKEN) || undefined;
    // Watching goes on for longer than a token that is made here lives.
    const token = given ?? (() => this.#localToken(url));
    if (given === undefined) this.#localToken(url);
    return new OperatorApi({ url, token, signal: this.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  }

  isJson(command: Command): boolean {
    return command.optsWithGlobals<CommonOptions>().json ?? false;
  }

  /** Answers once: one document, or what `draw` makes of it. */
  answer<Answer>(command: Command, answer: Answer, draw: (answer: Answer) => void): void {
    if (this.isJson(command)) this.terminal.document(answer, 2);
    else draw(answer);
  }

  /** Looks and answers; with `--watch` again and again until the process is told to end. Resolves to the last answer. */
  async show<Answer>(command: Command, read: () => Promise<Answer>, draw: (answer: Answer) => void): Promise<Answer> {
    const { watch } = command.optsWithGlobals<CommonOptions>();
    let answer = await read();
    if (watch === undefined) {
      this.answer(command, answer, draw);
      return answer;
    }
    const everyMs = watch === true ? DEFAULT_WATCH_MS : watch;
    let failure: string | null = null;
    for (;;) {
      this.#again(command, answer, draw, failure);
      await this.wait(everyMs);
      if (this.signal.aborted) return answer;
      try {
        answer = await read();
        failure = null;
      } catch (error) {
        if (this.signal.aborted) return answer;
        failure = passing(error);
      }
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
    this.requireYesOffTerminal(command, what);
    if (command.optsWithGlobals<CommonOptions>().yes) return;
    const given = await this.terminal.ask(`${what}. Type ${answer} to go on: `);
    if (given !== answer) throw new CommandError(EXIT.refused, 'not confirmed; nothing was done');
  }

  /** @throws CommandError where nobody could be asked, and it was not said that nobody need be */
  requireYesOffTerminal(command: Command, what: string): void {
    if (command.optsWithGlobals<CommonOptions>().yes || this.terminal.isInteractive) return;
    throw new CommandError(EXIT.refused, `${what}: say --yes to do this without being asked`);
  }

  end(code: ExitCode): void {
    this.exitCode = code;
  }

  #again<Answer>(command: Command, answer: Answer, draw: (answer: Answer) => void, failure: string | null): void {
    const { terminal } = this;
    if (this.isJson(command)) {
      if (failure === null) terminal.document(answer);
      else terminal.say(`rejoin: ${failure}`);
      return;
    }
    terminal.picture(() => {
      if (failure !== null) terminal.line({ text: `OLD  ${failure}`, tone: 'bad' });
      draw(answer);
    });
  }

  #localToken(url: string): string {
    if (!this.local.signsTokens || !this.local.trusts(url)) {
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

/**
 * What is wrong now and may come right: whoever looks on wants to see it come back.
 * @throws what does not come right by waiting, as a refusal
 */
export function passing(error: unknown): string {
  if (!(error instanceof CommandError) || error.exitCode !== EXIT.failed) throw error;
  return error.message;
}
