import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface ChildAppOptions {
  /** The program, of which `dist/<app>.js` is run; `npm run build` makes it. */
  readonly app: string;
  /** Another program in place of `dist/<app>.js`. */
  readonly entry?: string;
  /** Added to `PATH` and `HOME`; nothing else of this process' environment is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Longest wait for `ready`, in milliseconds; 15,000 by default. */
  readonly readyTimeoutMs?: number;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of a child's standard output or error; `json` where it is a JSON object, as log lines are. */
export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>> | null;
}

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** An app as a real process, for tests that kill it. It ends with the test process. */
export class ChildApp {
  readonly name: string;
  /** Where its HTTP port is reached, as it said in its `ready` message. */
  readonly url: string;
  readonly pid: number;
  /** Resolves when it ended. */
  readonly exited: Promise<ChildExit>;
  /** What it wrote so far. */
  readonly lines: readonly LogLine[];
  readonly #child: ChildProcess;

  private constructor(name: string, url: string, child: ChildProcess, exited: Promise<ChildExit>, lines: LogLine[]) {
    this.name = name;
    this.url = url;
    this.pid = child.pid as number;
    this.exited = exited;
    this.lines = lines;
    this.#child = child;
  }

  /**
   * Starts it and waits until it is ready.
   * @throws Error with what it wrote, where it ends or is silent before
   */
  static async start(options: ChildAppOptions): Promise<ChildApp> {
    const entry = options.entry ?? `${REPOSITORY}dist/${options.app}.js`;
    if (!existsSync(entry)) throw new Error(`${entry} is not there: npm run build`);
    const child = fork(entry, [], {
      cwd: REPOSITORY,
      execArgv: ['--enable-source-maps'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    });
    const lines: LogLine[] = [];
    collectLines(child, 'stdout', lines);
    collectLines(child, 'stderr', lines);
    // After 'close' its output is complete; 'exit' comes earlier.
    const exited = once(child, 'close').then(([code, signal]): ChildExit => ({ code, signal }));
    const url = await waitUntilReady(child, exited, options, lines);
    return new ChildApp(options.app, url, child, exited, lines);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal, SIGKILL by default; where it is one that ends the process, wait for {@link exited}. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, then SIGKILL after `deadlineMs` (8,000 by default). Idempotent. */
  async stop(deadlineMs = 8_000): Promise<ChildExit> {
    if (this.running) {
      this.#child.kill('SIGTERM');
      this.#child.kill('SIGCONT');
    }
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), deadlineMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }
}

function collectLines(child: ChildProcess, stream: 'stdout' | 'stderr', lines: LogLine[]): void {
  let rest = '';
  child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() as string;
    for (const text of parts) lines.push({ stream, text, json: parseObject(text) });
  });
  child[stream]?.on('end', () => {
    if (rest !== '') lines.push({ stream, text: rest, json: parseObject(rest) });
  });
}

function parseObject(text: string): Record<string, unknown> | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A line that only looks like JSON is kept as text.
    return null;
  }
}

async function waitUntilReady(
  child: ChildProcess,
  exited: Promise<ChildExit>,
  { app, readyTimeoutMs = 15_000 }: ChildAppOptions,
  lines: readonly LogLine[],
): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const ready = new Promise<string>((resolve) => {
    child.on('message', (message: { type?: unknown; url?: unknown }) => {
      if (message.type === 'ready') resolve(String(message.url));
    });
  });
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`was not ready within ${readyTimeoutMs} ms`), readyTimeoutMs);
  });
  const ended = exited.then(({ code, signal }) =>
    signal === null ? `ended with code ${code} before it was ready` : `was ended by ${signal} before it was ready`,
  );
  const outcome = await Promise.race([
    ready.then((url) => ({ url })),
    Promise.race([late, ended]).then((failure) => ({ failure })),
  ]);
  clearTimeout(timer);
  if ('url' in outcome) return outcome.url;
  child.kill('SIGKILL');
  await exited;
  throw new Error([`${app} ${outcome.failure}`, ...lines.slice(-40).map((line) => `  ${line.text}`)].join('\n'));
}
