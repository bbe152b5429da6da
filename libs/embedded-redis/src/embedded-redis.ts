import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { acquireDirectoryLock, type DirectoryLock } from './directory-lock.ts';
import { EmbeddedRedisError } from './errors.ts';
import { formatIdentity, identifyProcess, isAlive, parseIdentity } from './process-identity.ts';
import { findFreePort, waitUntilReady } from './readiness.ts';
import { formatRedisConfiguration, type RedisAddress, redisUrl } from './redis-configuration.ts';
import { findRedisServer, MINIMUM_REDIS_MAJOR, type RedisServer } from './redis-server.ts';
import { type Watchdog, watchOver } from './watchdog.ts';

export interface EmbeddedRedisOptions {
  /** Holds the socket, the log and the append-only file; made with mode 700. By default a temporary one that `stop()` removes. */
  readonly directory?: string;
  /**
   * `socket` by default: a unix socket with mode 700 in the directory. Where its path is too long for one, a free loopback
   * port with a random password. `tcp`: a loopback port without a password.
   */
  readonly listen?: 'socket' | 'tcp';
  /** With `tcp`; a free one by default. It stays the same over restarts. */
  readonly port?: number;
  /** Whether an append-only file makes data outlive the process. `false` by default. */
  readonly appendOnly?: boolean;
  /** When the append-only file is forced to disk; `everysec` by default. */
  readonly appendFsync?: 'always' | 'everysec' | 'no';
  /** Writes are refused above it, never is anything evicted. 0, the default, is no limit. */
  readonly maxMemoryBytes?: number;
  /** More redis.conf directives; a list is several arguments. */
  readonly directives?: Readonly<Record<string, string | readonly string[]>>;
  /** The server to run; by default the first that `findRedisServer()` finds. */
  readonly server?: RedisServer;
  /** Longest wait for a first answer, in milliseconds; 15,000 by default. Loading data does not count. */
  readonly startTimeoutMs?: number;
  /** Called whenever a server that was ready ends. */
  onExit?(exit: RedisExit): void;
}

export interface RedisExit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether `stop`, `kill` or `restart` ended it. */
  readonly expected: boolean;
}

/** A Redis server that belongs to this process and ends with it, however it ends. */
export interface EmbeddedRedis {
  /** `unix:///…` or `redis://127.0.0.1:…`; the same over restarts. */
  readonly url: string;
  readonly directory: string;
  readonly version: string;
  /** @throws EmbeddedRedisError `REDIS_NOT_RUNNING` */
  readonly pid: number;
  /** The last lines of the server's log. */
  log(lines?: number): string;
  /** Ends it in an orderly way, by SIGKILL after `deadlineMs` (5,000 by default), and gives up the directory. Idempotent. */
  stop(deadlineMs?: number): Promise<void>;
  /** SIGKILL: what a crash does. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same address and directory; a running one is stopped first. */
  restart(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void;
  /** Undoes `pause()`. */
  continue(): void;
}

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, the closing zero included; see unix(7). */
const MAX_SOCKET_PATH_BYTES = 100;
const PID_FILE = 'redis.pid';
const LOG_FILE = 'redis.log';

/**
 * Starts a private Redis and resolves when it answers. What an earlier, crashed process left in the directory (lock, socket,
 * even a running server) does not block it.
 * @throws DirectoryInUseError where a living process holds the directory
 * @throws EmbeddedRedisError `REDIS_NOT_FOUND`, `REDIS_START_FAILED` (with the end of the server's log)
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions = {}): Promise<EmbeddedRedis> {
  const server = options.server ?? (await findRedisServer());
  if (!server) {
    throw new EmbeddedRedisError(
      'REDIS_NOT_FOUND',
      `neither redis-server nor valkey-server of version ${MINIMUM_REDIS_MAJOR}.0 or newer is on PATH`,
    );
  }
  const redis = new RedisProcess(server, options);
  await redis.start();
  return redis;
}

class RedisProcess implements EmbeddedRedis {
  readonly directory: string;
  readonly #server: RedisServer;
  readonly #options: EmbeddedRedisOptions;
  readonly #temporary: boolean;
  #address: RedisAddress | undefined;
  #lock: DirectoryLock | undefined;
  #child: ChildProcess | undefined;
  #watchdog: Watchdog | undefined;
  #ending = false;

  constructor(server: RedisServer, options: EmbeddedRedisOptions) {
    this.#server = server;
    this.#options = options;
    this.#temporary = options.directory === undefined;
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'rejoin-redis-'));
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.directory = realpathSync(directory);
  }

  get url(): string {
    if (!this.#address) throw new EmbeddedRedisError('REDIS_NOT_RUNNING', 'Redis was never started');
    return redisUrl(this.#address);
  }

  get version(): string {
    return this.#server.version;
  }

  get pid(): number {
    return this.#running().pid as number;
  }

  log(lines = 20): string {
    try {
      return readFileSync(join(this.directory, LOG_FILE), 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    }
  }

  async start(): Promise<void> {
    this.#lock ??= acquireDirectoryLock(this.directory);
    try {
      await endLeftover(join(this.directory, PID_FILE));
      const movable = this.#address === undefined && this.#options.port === undefined;
      for (let attempt = 1; ; attempt += 1) {
        this.#address ??= await this.#chooseAddress();
        try {
          await this.#launch(this.#address);
          return;
        } catch (error) {
          // Between finding a free port and its use anybody may take it.
          if (!movable || attempt === 5 || !/Address already in use/.test(String(error))) throw error;
          this.#address = undefined;
        }
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(deadlineMs = 5_000): Promise<void> {
    await this.#end('SIGTERM', deadlineMs);
    this.#lock?.release();
    this.#lock = undefined;
    if (this.#temporary) rmSync(this.directory, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL', 0);
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM', 5_000);
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    await this.start();
  }

  pause(): void {
    this.#running().kill('SIGSTOP');
  }

  continue(): void {
    this.#running().kill('SIGCONT');
  }

  #running(): ChildProcess {
    if (!this.#child) throw new EmbeddedRedisError('REDIS_NOT_RUNNING', 'Redis is not running');
    return this.#child;
  }

  async #chooseAddress(): Promise<RedisAddress> {
    if (this.#options.listen === 'tcp') {
      return { kind: 'tcp', port: this.#options.port ?? (await findFreePort()) };
    }
    const path = join(this.directory, 'redis.sock');
    if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return { kind: 'socket', path };
    return { kind: 'tcp', port: await findFreePort(), password: randomBytes(18).toString('base64url') };
  }

  async #launch(address: RedisAddress): Promise<void> {
    const logFile = join(this.directory, LOG_FILE);
    writeFileSync(logFile, '', { mode: 0o600 });
    // A session of its own: Ctrl-C in the terminal reaches the owner, which stops Redis after those who use it.
    const child = spawn(this.#server.path, ['-'], {
      cwd: this.directory,
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#child = child;
    this.#ending = false;
    const gone = new AbortController();
    let ready = false;
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-4_000);
    });
    const fail = (reason: string, cause?: unknown): EmbeddedRedisError => {
      const detail = [this.log(), complaint.trim()].filter((text) => text !== '').join('\n');
      return new EmbeddedRedisError(
        'REDIS_START_FAILED',
        `${this.#server.path} did not start: ${reason}${detail === '' ? '' : `\n${detail}`}`,
        { cause },
      );
    };
    child.on('error', (error) => {
      if (child.pid === undefined) this.#child = undefined;
      gone.abort(error);
    });
    child.on('exit', (code, signal) => {
      this.#child = undefined;
      this.#watchdog?.release();
      this.#watchdog = undefined;
      gone.abort(new Error(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`));
      if (ready) this.#options.onExit?.({ pid: child.pid as number, code, signal, expected: this.#ending });
    });
    // A server that ends before it read its configuration is reported by its exit.
    child.stdin.on('error', (error) => gone.abort(error));
    const identity = child.pid === undefined ? null : identifyProcess(child.pid);
    if (identity) {
      this.#watchdog = watchOver(identity, this.#temporary ? this.directory : null);
      writeFileSync(join(this.directory, PID_FILE), formatIdentity(identity), { mode: 0o600 });
    }
    child.stdin.end(
      formatRedisConfiguration({
        directory: this.directory,
        logFile,
        address,
        appendOnly: this.#options.appendOnly ?? false,
        appendFsync: this.#options.appendFsync ?? 'everysec',
        maxMemoryBytes: this.#options.maxMemoryBytes ?? 0,
        directives: this.#options.directives ?? {},
      }),
    );
    try {
      await waitUntilReady(address, child.pid ?? 0, this.#options.startTimeoutMs ?? 15_000, gone.signal);
      ready = true;
    } catch (error) {
      throw fail((error as Error).message, error);
    }
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL', deadlineMs: number): Promise<void> {
    const child = this.#child;
    if (!child?.pid) return;
    this.#ending = true;
    const exited = once(child, 'exit');
    child.kill(signal);
    // A paused process handles SIGTERM only when it continues.
    child.kill('SIGCONT');
    const timer = signal === 'SIGTERM' ? setTimeout(() => child.kill('SIGKILL'), deadlineMs) : undefined;
    await exited;
    clearTimeout(timer);
    rmSync(join(this.directory, PID_FILE), { force: true });
  }
}

/** Ends the server that a crashed owner left behind, if the recorded process still is that server. */
async function endLeftover(pidFile: string): Promise<void> {
  let text: string;
  try {
    text = readFileSync(pidFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const identity = parseIdentity(text);
  if (identity && isAlive(identity)) {
    process.kill(identity.pid, 'SIGTERM');
    const killAt = performance.now() + 5_000;
    while (isAlive(identity)) {
      if (performance.now() > killAt) process.kill(identity.pid, 'SIGKILL');
      await delay(20);
    }
  }
  rmSync(pidFile, { force: true });
}
