import { type ChildProcess, fork } from 'node:child_process';
import { StackError } from './errors.ts';
import { LogDigest, type Notice } from './log-digest.ts';
import type { LogFile } from './log-file.ts';

export interface ProgramOptions {
  /** For example `gateway-3000`. */
  readonly name: string;
  /** The JavaScript file that is run. */
  readonly entry: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: LogFile;
  /** Longest wait for the first `ready`, in milliseconds; 30,000 by default. */
  readonly readyTimeoutMs?: number;
  /** Wait before the first restart, in milliseconds; 250 by default. It doubles up to 10 s. */
  readonly restartDelayMs?: number;
  /** It wrote a warning, an error, or to standard error. */
  onNotice(notice: Notice): void;
  /** It ended by itself after it had been ready, and is started again after `restartInMs`. */
  onEnded(how: string, restartInMs: number): void;
  /** It is ready again. */
  onRestarted(url: string): void;
  /** Its status is another. */
  onStatus?(): void;
  /** It said something else than `ready` over its channel. */
  onMessage?(message: unknown): void;
}

/** What is to be seen of a program from outside. */
export interface ProgramStatus {
  readonly name: string;
  readonly running: boolean;
  /** Of the process that runs, or is about to. */
  readonly pid: number | null;
  /** How often it was started again. */
  readonly restarts: number;
}

const MAX_RESTART_DELAY_MS = 10_000;
/** A run this long ends the series of failures before it. */
const STABLE_RUN_MS = 30_000;

/**
 * One program as a child process.
 *
 *     idle ──start()──▶ starting ──ready──▶ running ──ends──▶ waiting ──timer──▶ restarting ──ready──▶ running
 *                          │ ends, or is late                    ▲                  │ ends
 *                          ▼                                     └──────────────────┘
 *                       failed                       any state ──stop()──▶ stopping ──ended──▶ stopped
 */
type State = 'idle' | 'starting' | 'running' | 'waiting' | 'restarting' | 'failed' | 'stopping' | 'stopped';

export class Program {
  readonly name: string;
  readonly #options: ProgramOptions;
  readonly #digest: LogDigest;
  #state: State = 'idle';
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #restarts = 0;
  /** How long it stays away, should it end because of {@link crash}. */
  #crashDownMs: number | null = null;
  #startedAt = 0;
  /** The last lines of a program that is not ready yet, for the message of its failure. */
  #firstLines: string[] = [];
  #settleStart: { resolve(url: string): void; reject(error: Error): void } | undefined;
  readonly #onceStopped: (() => void)[] = [];

  constructor(options: ProgramOptions) {
    this.name = options.name;
    this.#options = options;
    this.#digest = new LogDigest((notice) => {
      // Before it is ready, what it says is part of the failure's message, if there is one.
      if (this.#state !== 'starting' && this.#state !== 'failed') options.onNotice(notice);
    });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get status(): ProgramStatus {
    return {
      name: this.name,
      running: this.#state === 'running',
      pid: this.#child?.pid ?? null,
      restarts: this.#restarts,
    };
  }

  /** Says something to it, where it runs. */
  send(message: object): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  /**
   * SIGKILL to one that runs, which then is started again after `downMs`: it was asked for, so no failure of its own counts. Says
   * whether it ran.
   */
  crash(downMs: number): boolean {
    if (this.#state !== 'running' || this.#crashDownMs !== null) return false;
    this.#crashDownMs = downMs;
    this.kill();
    return true;
  }

  /**
   * Starts it and resolves with its URL when it is ready. From then on it is started again whenever it ends.
   * @throws StackError `PROGRAM_FAILED` with the end of its output, `STOPPED`
   */
  start(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
      this.#timer = setTimeout(
        () => this.#fail(`was not ready within ${(this.#options.readyTimeoutMs ?? 30_000) / 1000} s`),
        this.#options.readyTimeoutMs ?? 30_000,
      );
      this.#enter('starting');
      this.#launch();
    });
  }

  /** SIGTERM. Resolves when it ended. Idempotent. */
  stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#settleStart?.reject(new StackError('STOPPED', `${this.name} was stopped while it was starting`));
    this.#settleStart = undefined;
    if (this.#child) {
      if (this.#state !== 'stopping') this.#child.kill('SIGTERM');
      this.#enter('stopping');
    } else this.#enter('stopped');
    return new Promise((resolve) => {
      if (this.#state === 'stopped') resolve();
      else this.#onceStopped.push(resolve);
    });
  }

  /** SIGKILL, for one that does not stop. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #enter(state: State): void {
    this.#state = state;
    this.#options.onStatus?.();
    if (state === 'stopped') for (const resolve of this.#onceStopped.splice(0)) resolve();
  }

  #launch(): void {
    this.#startedAt = performance.now();
    // A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which decides the order. Should the
    // supervisor be killed, the closed IPC channel ends the program.
    const child = fork(this.#options.entry, [], {
      env: this.#options.environment,
      execArgv: ['--enable-source-maps'],
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#collect(child, 'stdout');
    this.#collect(child, 'stderr');
    let failure: Error | undefined;
    child.on('error', (error) => {
      failure = error;
      if (child.pid === undefined) this.#ended(`could not be started: ${error.message}`);
    });
    child.on('message', (message: { type?: unknown; url?: unknown }) => {
      if (message.type === 'ready') this.#ready(String(message.url));
      else this.#options.onMessage?.(message);
    });
    // Not 'exit': its last words may still be on their way.
    child.on('close', (code, signal) => {
      this.#ended(
        signal ? `was ended by ${signal}` : `ended with code ${code}${failure ? ` (${failure.message})` : ''}`,
      );
    });
  }

  #ready(url: string): void {
    if (this.#state === 'starting') {
      clearTimeout(this.#timer);
      this.#enter('running');
      this.#settleStart?.resolve(url);
      this.#settleStart = undefined;
      this.#firstLines = [];
    } else if (this.#state === 'restarting') {
      this.#restarts += 1;
      this.#enter('running');
      this.#options.onRestarted(url);
    }
  }

  #ended(how: string): void {
    this.#child = undefined;
    switch (this.#state) {
      case 'stopping':
        this.#enter('stopped');
        return;
      case 'starting':
        this.#fail(how);
        return;
      case 'running':
      case 'restarting':
        this.#scheduleRestart(how);
        return;
      default:
    }
  }

  #scheduleRestart(how: string): void {
    if (performance.now() - this.#startedAt > STABLE_RUN_MS) this.#failures = 0;
    const asked = this.#crashDownMs;
    const delayMs =
      asked ?? Math.min((this.#options.restartDelayMs ?? 250) * 2 ** this.#failures, MAX_RESTART_DELAY_MS);
    if (asked === null) this.#failures += 1;
    this.#crashDownMs = null;
    this.#enter('waiting');
    this.#options.onEnded(how, delayMs);
    this.#timer = setTimeout(() => {
      this.#enter('restarting');
      this.#launch();
    }, delayMs);
  }

  #fail(how: string): void {
    clearTimeout(this.#timer);
    this.#enter('failed');
    this.#settleStart?.reject(
      new StackError(
        'PROGRAM_FAILED',
        [`${this.name} ${how}`, ...this.#firstLines.map((line) => `  ${line}`)].join('\n'),
      ),
    );
    this.#settleStart = undefined;
  }

  #collect(child: ChildProcess, stream: 'stdout' | 'stderr'): void {
    let rest = '';
    const take = (line: string): void => {
      if (this.#state === 'starting') this.#firstLines = [...this.#firstLines, line].slice(-30);
      this.#options.log.write(`${line}\n`);
      this.#digest.add(line, stream);
    };
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) take(line);
    });
    child[stream]?.on('end', () => {
      if (rest !== '') take(rest);
    });
  }
}
