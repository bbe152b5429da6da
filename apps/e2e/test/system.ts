import type { EmbeddedRedis, EmbeddedRedisOptions } from '@rejoin/embedded-redis';
import { partitionOf } from '@rejoin/protocol';
import { createPublisher, type Publisher, type PublisherOptions } from '@rejoin/publisher';
import { connect, disconnect, type Keyspace, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { ChildApp, startTestRedis, TEST_JWT_SECRET, uniquePrefix } from '@rejoin/testing';
import { Client, type ClientOptions } from './client.ts';

export interface SystemOptions {
  /** 2 by default. */
  readonly gateways?: number;
  /** 1 by default. */
  readonly workers?: number;
  /** 8 by default, as everywhere. */
  readonly partitions?: number;
  readonly redis?: EmbeddedRedisOptions;
  /** A Redis that the caller started and stops, in place of the system's own. */
  readonly redisUrl?: string;
  /** Environment of every process. */
  readonly env?: Readonly<Record<string, string>>;
}

type ConnectOptions = Omit<ClientOptions, 'url'> & { readonly gateway?: ChildApp; readonly url?: string };
type Environment = Readonly<Record<string, string>>;

/** The whole system as real processes on a Redis of its own with an append-only file. */
export class System {
  readonly redisUrl: string;
  readonly keys: Keyspace;
  readonly client: RedisClient;
  readonly partitions: number;
  readonly gateways: ChildApp[] = [];
  readonly workers: ChildApp[] = [];
  readonly #redis: EmbeddedRedis | undefined;
  readonly #env: Environment;
  readonly #apps: ChildApp[] = [];
  readonly #killed = new Set<ChildApp>();
  readonly #clients: Client[] = [];
  readonly #publishers: Publisher[] = [];

  private constructor(redis: EmbeddedRedis | string, { partitions = 8, env = {} }: SystemOptions) {
    this.#redis = typeof redis === 'string' ? undefined : redis;
    this.redisUrl = typeof redis === 'string' ? redis : redis.url;
    this.keys = keyspace(uniquePrefix());
    this.partitions = partitions;
    this.client = connect({ url: this.redisUrl, use: 'background', name: 'e2e', onError: () => undefined });
    this.#env = {
      REDIS_URL: this.redisUrl,
      REJOIN_PREFIX: this.keys.prefix,
      REJOIN_PARTITIONS: String(partitions),
      JWT_SECRET: TEST_JWT_SECRET,
      PORT: '0',
      OPS_PORT: '0',
      // Feeds hold what a test published, and nothing else.
      CANARY: '0s',
      ...env,
    };
  }

  static async start(options: SystemOptions = {}): Promise<System> {
    const redis = options.redisUrl ?? (await startTestRedis({ appendOnly: true, ...options.redis }));
    const system = new System(redis, options);
    try {
      const { gateways = 2, workers = 1 } = options;
      await Promise.all([
        ...Array.from({ length: workers }, () => system.startWorker()),
        ...Array.from({ length: gateways }, () => system.startGateway()),
      ]);
      return system;
    } catch (error) {
      await system.#release();
      throw error;
    }
  }

  /** The system's own Redis. */
  get redis(): EmbeddedRedis {
    if (!this.#redis) throw new Error('this Redis is not the system’s own');
    return this.#redis;
  }

  async startGateway(env: Environment = {}): Promise<ChildApp> {
    const gateway = await this.startApp('gateway', env);
    this.gateways.push(gateway);
    return gateway;
  }

  async startWorker(env: Environment = {}): Promise<ChildApp> {
    const worker = await this.startApp('worker', env);
    this.workers.push(worker);
    return worker;
  }

  /** @param entry another program than the app's own */
  async startApp(app: string, env: Environment = {}, entry?: string): Promise<ChildApp> {
    const started = await ChildApp.start({
      app,
      env: { ...this.#env, ...env },
      readyTimeoutMs: 60_000,
      ...(entry ? { entry } : {}),
    });
    this.#apps.push(started);
    return started;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(app: ChildApp): Promise<void> {
    this.#killed.add(app);
    for (const list of [this.gateways, this.workers]) {
      const index = list.indexOf(app);
      if (index >= 0) list.splice(index, 1);
    }
    app.kill('SIGKILL');
    await app.exited;
  }

  /** SIGTERM; resolves when the process has ended by itself. */
  async stopApp(app: ChildApp): Promise<void> {
    for (const list of [this.gateways, this.workers]) {
      const index = list.indexOf(app);
      if (index >= 0) list.splice(index, 1);
    }
    await app.stop();
  }

  /** A stock client of the first gateway, unless the options name another one, or a way to it. */
  connect(options: ConnectOptions): Client {
    const { gateway = this.gateways[0] as ChildApp, url = gateway.url, ...rest } = options;
    const client = new Client({ url, ...rest });
    this.#clients.push(client);
    return client;
  }

  /** A stock client that finds another gateway by itself whenever its connection is lost, as behind a load balancer. */
  roam(options: ConnectOptions): Client {
    const client = this.connect(options);
    let next = 0;
    client.socket.io.on('reconnect_attempt', () => {
      const gateway = this.gateways[next++ % Math.max(1, this.gateways.length)];
      if (gateway) client.moveTo(gateway.url);
    });
    return client;
  }

  publisher(options: Partial<PublisherOptions> = {}): Publisher {
    // A busy machine is no failure.
    const patience = { commandTimeoutMs: 30_000 };
    const publisher = createPublisher({ redis: this.redisUrl, prefix: this.keys.prefix, ...patience, ...options });
    this.#publishers.push(publisher);
    return publisher;
  }

  keysOf(tenant: string): PartitionKeys {
    return this.keys.partition(partitionOf(tenant, this.partitions));
  }

  /**
   * Ends everything.
   * @throws Error where a process that was not killed ended badly, or had an uncaught error
   */
  async stop(): Promise<void> {
    const problems = await this.#release();
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  async #release(): Promise<string[]> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.#publishers.map((publisher) => publisher.close()));
    const problems = await Promise.all(this.#apps.map((app) => this.#end(app)));
    disconnect(this.client);
    await this.#redis?.stop();
    return problems.flat();
  }

  async #end(app: ChildApp): Promise<string[]> {
    const { code, signal } = await app.stop();
    const fatal = app.lines.filter(({ json }) => json?.level === FATAL).map(({ text }) => `${app.name}: ${text}`);
    const ended = code === 0 || this.#killed.has(app) ? [] : [`${app.name} ended with ${signal ?? `code ${code}`}`];
    return [...fatal, ...ended];
  }
}

/** Pino's level of a process' last words: an uncaught error. */
const FATAL = 60;
