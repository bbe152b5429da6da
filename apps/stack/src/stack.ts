import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { acquireDirectoryLock, DirectoryInUseError, type DirectoryLock } from '@rejoin/embedded-redis';
import type { StackConfiguration } from './configuration.ts';
import { StackError } from './errors.ts';
import { LogFile } from './log-file.ts';
import { developmentToken } from './operator-token.ts';
import { allocatePorts, type Ports } from './port-allocation.ts';
import { Program } from './program.ts';
import { ProgramControl } from './program-control.ts';
import { embedRedis, type StackRedis, useRedis } from './redis-server.ts';
import { RunningFile } from './running-file.ts';
import { provideSigningSecret } from './signing-secret.ts';
import type { Terminal } from './terminal.ts';

export interface StackUrls {
  readonly gateways: readonly string[];
  readonly ops: string;
  readonly demo: string | undefined;
  /** Signs in whoever opens it; only where the secret of the tokens was made here. */
  readonly console: string | undefined;
}

export interface StackOptions {
  readonly configuration: StackConfiguration;
  /** Passed on to every program, with what the stack decides put over it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Holds `<app>.js` of each program. */
  readonly programsDirectory: string;
  readonly terminal: Terminal;
}

/** The one program that may speak to this process. */
const DEMO = 'demo';

/** When programs that do not stop are killed. Redis' own stop fits in before ten seconds are over. */
const STOP_DEADLINE_MS = 7_500;

/** The whole system: Redis, gateways, workers, ops and demo as processes that end with this one. */
export class Stack {
  readonly #options: StackOptions;
  #lock: DirectoryLock | undefined;
  #redisStarting: Promise<StackRedis> | undefined;
  readonly #programs: Program[] = [];
  readonly #logs: LogFile[] = [];
  readonly #runningFile: RunningFile;
  readonly #control = new ProgramControl(this.#programs, (message) =>
    this.#programs.find(({ name }) => name === DEMO)?.send(message),
  );
  #stopping: Promise<void> | undefined;
  #operatorToken: string | undefined;

  constructor(options: StackOptions) {
    this.#options = options;
    this.#runningFile = new RunningFile(options.configuration.dataDirectory);
  }

  /**
   * Resolves when every program is ready. After a failure call `stop()`.
   * @throws StackError
   */
  async start(): Promise<StackUrls> {
    const { configuration, terminal } = this.#options;
    this.#requirePrograms();
    this.#lock = this.#acquireLock();
    // One that was killed leaves it behind.
    this.#runningFile.remove();
    const ports = await allocatePorts(configuration);
    const environment = this.#sharedEnvironment(ports);
    const redisStart = performance.now();
    const redis = await this.#startRedis();
    terminal.done(`Redis on ${redis.description}`, redisStart);
    this.#requireNotStopping();
    const urls = await this.#startPrograms(ports, { ...environment, REDIS_URL: redis.url });
    this.#requireNotStopping();
    const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = this.#options.environment;
    const signsTokens = !this.#options.configuration.hasTokenKey;
    const { ops, gateways, demo } = urls;
    this.#runningFile.write({ pid: process.pid, ops, gateways, demo, signsTokens, issuer, audience });
    return urls;
  }

  /**
   * Stops programs, then Redis, and gives up the data directory; within ten seconds, by SIGKILL where it must. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Ends at once what `stop()` still waits for. */
  kill(): void {
    for (const program of this.#programs) program.kill();
  }

  #appNames(): string[] {
    return ['gateway', 'worker', 'ops', ...(this.#options.configuration.demoPort === undefined ? [] : ['demo'])];
  }

  #entry(app: string): string {
    return join(this.#options.programsDirectory, `${app}.js`);
  }

  #requirePrograms(): void {
    const missing = this.#appNames()
      .map((app) => this.#entry(app))
      .filter((entry) => !existsSync(entry));
    if (missing.length > 0) {
      throw new StackError(
        'PROGRAM_MISSING',
        `Not built: ${missing.map((entry) => relative(process.cwd(), entry)).join(', ')}. Run: npm run build`,
      );
    }
  }

  #acquireLock(): DirectoryLock {
    const { dataDirectory } = this.#options.configuration;
    try {
      return acquireDirectoryLock(dataDirectory);
    } catch (error) {
      if (!(error instanceof DirectoryInUseError)) throw error;
      throw new StackError(
        'ALREADY_RUNNING',
        `Rejoin is already running on ${dataDirectory} (process ${error.pid}). Stop it first, or start another one with ` +
          'its own DATA_DIR, GATEWAY_PORTS, OPS_PORT and DEMO_PORT.',
        { cause: error },
      );
    }
  }

  #sharedEnvironment(ports: Ports): NodeJS.ProcessEnv {
    const { configuration, environment, terminal } = this.#options;
    const shared: NodeJS.ProcessEnv = { ...environment, DATA_DIR: configuration.dataDirectory };
    if (!configuration.hasTokenKey) {
      const { secret, path } = provideSigningSecret(configuration.dataDirectory);
      shared.JWT_SECRET = secret;
      const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = environment;
      this.#operatorToken = developmentToken(secret, { issuer, audience });
      terminal.info('tokens', `no JWT_… variable is set: signed with the random secret in ${display(path)}`);
    }
    if (!configuration.hasAllowedOrigins) shared.ALLOWED_ORIGINS = originsOf(ports).join(',');
    return shared;
  }

  #startRedis(): Promise<StackRedis> {
    const { configuration, terminal } = this.#options;
    this.#requireNotStopping();
    this.#redisStarting =
      configuration.redisUrl === undefined
        ? embedRedis(configuration.dataDirectory, terminal)
        : useRedis(configuration.redisUrl);
    return this.#redisStarting;
  }

  async #startPrograms(ports: Ports, environment: NodeJS.ProcessEnv): Promise<StackUrls> {
    const { configuration } = this.#options;
    const gatewayUrls = ports.gateways.map(localUrl);
    const workers = Array.from({ length: configuration.workers }, (_, index) => `worker-${index + 1}`);
    const [gateways, ops, demo] = await Promise.all([
      Promise.all(
        ports.gateways.map((port) =>
          this.#startProgram('gateway', `gateway-${port}`, environment, { PORT: String(port) }),
        ),
      ),
      this.#startProgram('ops', 'ops', environment, { OPS_PORT: String(ports.ops) }),
      ports.demo === undefined
        ? undefined
        : this.#startProgram('demo', 'demo', environment, {
            DEMO_PORT: String(ports.demo),
            GATEWAY_URLS: gatewayUrls.join(','),
            OPS_URL: localUrl(ports.ops),
          }),
      ...workers.map((name) => this.#startProgram('worker', name, environment, { PORT: '0' })),
    ]);
    const token = this.#operatorToken;
    return { gateways, ops, demo, console: token === undefined ? undefined : `${ops}/#token=${token}` };
  }

  async #startProgram(
    app: string,
    name: string,
    environment: NodeJS.ProcessEnv,
    own: NodeJS.ProcessEnv,
  ): Promise<string> {
    const { configuration, terminal } = this.#options;
    const log = new LogFile(join(configuration.dataDirectory, 'logs', `${name}.log`));
    this.#logs.push(log);
    const program = new Program({
      name,
      entry: this.#entry(app),
      environment: { ...environment, ...own },
      log,
      onNotice: ({ severity, message, repeated }) => {
        const times = repeated > 0 ? ` (and ${repeated} more like it)` : '';
        terminal[severity === 'error' ? 'error' : 'warn'](name, `${message}${times}`);
      },
      onEnded: (how, restartInMs) => {
        terminal.error(name, `${how}; starting it again in ${restartInMs / 1000} s. Its log: ${display(log.path)}`);
      },
      onRestarted: () => terminal.info(name, 'running again'),
      onStatus: () => this.#control.changed(),
      ...(name === DEMO ? { onMessage: (message) => this.#control.receive(message) } : {}),
    });
    this.#programs.push(program);
    const startedAt = performance.now();
    const url = displayUrl(await program.start());
    terminal.done(`${name} on ${url}`, startedAt);
    return url;
  }

  #requireNotStopping(): void {
    if (this.#stopping) throw new StackError('STOPPED', 'stopped while starting');
  }

  async #stopAll(): Promise<void> {
    // Of a directory that another stack holds, the file is that one's.
    if (this.#lock) this.#runningFile.remove();
    const timer = setTimeout(() => {
      this.#options.terminal.warn('stop', `killing what did not stop within ${STOP_DEADLINE_MS / 1000} s`);
      this.kill();
    }, STOP_DEADLINE_MS);
    await Promise.all(this.#programs.map((program) => program.stop()));
    clearTimeout(timer);
    // A start that fails was reported by start(); what it took must still be given back.
    const [redis] = await Promise.allSettled([this.#redisStarting]);
    try {
      if (redis.status === 'fulfilled') await redis.value?.stop();
    } finally {
      for (const log of this.#logs) log.close();
      this.#lock?.release();
    }
  }
}

function localUrl(port: number): string {
  return `http://localhost:${port}`;
}

function displayUrl(url: string): string {
  return url.replace('://127.0.0.1:', '://localhost:');
}

function display(path: string): string {
  return relative(process.cwd(), path);
}

/** Every page that the stack serves may connect to every gateway of it. */
function originsOf({ gateways, ops, demo }: Ports): string[] {
  return [...gateways, ops, ...(demo === undefined ? [] : [demo])].flatMap((port) => [
    localUrl(port),
    `http://127.0.0.1:${port}`,
  ]);
}
