import { ChildApp, type ChildExit, type TcpProxy } from '@rejoin/testing';

export type Environment = Readonly<Record<string, string>>;

export interface ProcessSlotOptions {
  readonly name: string;
  /** The app's folder. */
  readonly app: string;
  /** Another program than the app's own. */
  readonly entry?: string;
  readonly env: Environment;
  /** Between the process and Redis. */
  readonly redis: TcpProxy;
  /** Between clients and the process. */
  readonly front?: TcpProxy;
  /** Told of every end that was not asked for. */
  onDeath(this: void, slot: ProcessSlot, exit: ChildExit): void;
}

/** Pino's level of a process' last words: an uncaught error. */
const FATAL = 60;
const READY_TIMEOUT_MS = 90_000;

/** The place of one process: whatever is done to it is done one after the other, and it has its process again in the end. */
export class ProcessSlot {
  readonly name: string;
  readonly app: string;
  readonly redis: TcpProxy;
  readonly front: TcpProxy | undefined;
  readonly #options: ProcessSlotOptions;
  #child: ChildApp | undefined;
  #ending = false;
  #closed = false;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #overrides = new Set<Environment>();
  /** The last words of its earlier processes. */
  readonly #log: string[] = [];

  constructor(options: ProcessSlotOptions) {
    this.#options = options;
    this.name = options.name;
    this.app = options.app;
    this.redis = options.redis;
    this.front = options.front;
  }

  get pid(): number | undefined {
    return this.#child?.running ? this.#child.pid : undefined;
  }

  get url(): string {
    return this.#child?.url ?? '';
  }

  /** The end of what its processes wrote. */
  log(lines = 40): string[] {
    return [...this.#log, ...(this.#child?.lines ?? []).map(({ text }) => text)].slice(-lines);
  }

  /** Does something to the process when what was begun before is done. */
  exclusively(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(async () => {
      if (!this.#closed) await work();
    });
    this.#turn = done.catch(ignore);
    return done;
  }

  async start(env: Environment = {}): Promise<void> {
    const { app, entry, redis, front, env: own } = this.#options;
    this.#ending = false;
    const child = await ChildApp.start({
      app,
      ...(entry === undefined ? {} : { entry }),
      env: Object.assign({}, own, { REDIS_URL: redis.url }, ...this.#overrides, env),
      readyTimeoutMs: READY_TIMEOUT_MS,
    });
    this.#child = child;
    front?.retarget(child.url);
    void child.exited.then((exit) => {
      if (this.#child === child && !this.#ending) this.#options.onDeath(this, exit);
    });
  }

  /** Has every process that is started from now on started with these variables as well, until the returned function is called. */
  override(env: Environment): () => void {
    this.#overrides.add(env);
    return () => {
      this.#overrides.delete(env);
    };
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#end((child) => {
      child.kill('SIGKILL');
      return child.exited;
    });
  }

  /** SIGTERM; resolves with how it ended. */
  async stop(): Promise<ChildExit | undefined> {
    return this.#end((child) => child.stop(30_000));
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** What it wrote on a level that only an uncaught error has. */
  fatalLines(): string[] {
    return (this.#child?.lines ?? []).filter(({ json }) => json?.level === FATAL).map(({ text }) => text);
  }

  /** Ends it for good. */
  async close(): Promise<ChildExit | undefined> {
    this.#closed = true;
    // A process that is starting cannot be ended before it has started.
    await this.#turn;
    const exit = await this.stop();
    await this.redis.stop();
    await this.front?.stop();
    return exit;
  }

  async #end(end: (child: ChildApp) => Promise<ChildExit>): Promise<ChildExit | undefined> {
    const child = this.#child;
    if (!child) return undefined;
    this.#ending = true;
    const exit = await end(child);
    this.#log.push(...child.lines.map(({ text }) => text));
    this.#log.splice(0, this.#log.length - 400);
    return exit;
  }
}

/** Whoever asked for it is told of its failure. */
function ignore(): void {}
