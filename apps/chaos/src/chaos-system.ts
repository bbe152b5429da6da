import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type EmbeddedRedis, startEmbeddedRedis } from '@rejoin/embedded-redis';
import { createPublisher } from '@rejoin/publisher';
import { connect, disconnect, type Keyspace, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { type ChildExit, TcpProxy, tokenFor } from '@rejoin/testing';
import { GROUP, GROUP_MEMBERS, PARTITIONS, TENANTS } from './event-kinds.ts';
import { type Environment, ProcessSlot } from './process-slot.ts';
import type { Referee } from './referee.ts';

/** What the workers keep, other than while they are told to keep less. */
export const RETENTION = { windowMs: 60_000, maxPerRoom: 2_000, maxBytes: 8 * 1024 ** 2 } as const;

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The real processes, each with a way of its own to Redis that can be disturbed. */
export class ChaosSystem {
  readonly redis: EmbeddedRedis;
  readonly keys: Keyspace = keyspace('chaos');
  /** Straight to Redis: the referee's own. It waits while Redis is away. */
  readonly client: RedisClient;
  readonly secret = randomBytes(32).toString('base64url');
  readonly workers: ProcessSlot[] = [];
  readonly gateways: ProcessSlot[] = [];
  readonly ops: ProcessSlot;
  readonly publisher: ProcessSlot;
  /** An event that ends its workers is under way. */
  isFatalEventUnderWay = false;
  readonly #referee: Referee;
  #redisTurn: Promise<unknown> = Promise.resolve();

  private constructor(
    redis: EmbeddedRedis,
    proxies: readonly TcpProxy[],
    fronts: readonly TcpProxy[],
    referee: Referee,
  ) {
    this.redis = redis;
    this.#referee = referee;
    this.client = connect({ url: redis.url, use: 'background', name: 'referee', onError: () => undefined });
    const common = {
      REJOIN_PREFIX: this.keys.prefix,
      REJOIN_PARTITIONS: String(PARTITIONS),
      JWT_SECRET: this.secret,
      PORT: '0',
      LOG_LEVEL: 'warn',
      REPLAY_WINDOW: `${RETENTION.windowMs}ms`,
    };
    const worker = {
      ...common,
      REPLAY_MAX_PER_ROOM: String(RETENTION.maxPerRoom),
      REPLAY_MAX_BYTES: String(RETENTION.maxBytes),
      AUDIENCE_RESOLVERS: here('./resolvers.js'),
    };
    const gateway = { ...common, CANARY: '2s', PING_INTERVAL: '3s', PING_TIMEOUT: '3s', DRAIN_SPREAD: '500ms' };
    let next = 0;
    const slot = (name: string, app: string, env: Environment, entry?: string, front?: TcpProxy): ProcessSlot =>
      new ProcessSlot({
        name,
        app,
        env,
        redis: proxies[next++] as TcpProxy,
        ...(front ? { front } : {}),
        ...(entry === undefined ? {} : { entry }),
        onDeath: (dead, exit) => this.#onDeath(dead, exit),
      });
    for (const n of [1, 2]) this.workers.push(slot(`worker-${n}`, 'worker', worker));
    for (const [n, front] of fronts.entries()) {
      this.gateways.push(slot(`gateway-${n + 1}`, 'gateway', gateway, undefined, front));
    }
    this.ops = slot('ops', 'ops', { ...common, OPS_PORT: '0', REPLAY_MAX_BYTES: String(RETENTION.maxBytes) });
    this.publisher = slot('publisher', 'publisher', common, here('./publisher-process.js'));
  }

  /** Starts everything but the publisher, and makes the groups. */
  static async start(referee: Referee): Promise<ChaosSystem> {
    // With `everysec` Redis answers before it has written the file while the disk is busy, for up to 2 s: being killed would lose that.
    const redis = await startEmbeddedRedis({ appendOnly: true, appendFsync: 'always' });
    const proxies = await Promise.all(Array.from({ length: 6 }, () => TcpProxy.start(redis.url)));
    // Where to is said when the gateway has started.
    const fronts = await Promise.all(Array.from({ length: 2 }, () => TcpProxy.start('http://127.0.0.1:9')));
    const system = new ChaosSystem(redis, proxies, fronts, referee);
    try {
      await Promise.all([...system.workers, ...system.gateways, system.ops].map((slot) => slot.start()));
      await system.#makeGroups();
      return system;
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  get slots(): ProcessSlot[] {
    return [...this.workers, ...this.gateways, this.ops, this.publisher];
  }

  get partitions(): PartitionKeys[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => this.keys.partition(partition));
  }

  /** Of the gateways, as clients reach them. */
  get gatewayUrls(): string[] {
    return this.gateways.map(({ front }) => front?.url as string);
  }

  serviceToken(): string {
    return tokenFor({ sub: 'chaos', scope: 'events:publish', secret: this.secret });
  }

  /** Does something to Redis when what was begun before is done. */
  withRedis(work: (redis: EmbeddedRedis) => Promise<void>): Promise<void> {
    const done = this.#redisTurn.then(() => work(this.redis));
    this.#redisTurn = done.catch(() => undefined);
    return done;
  }

  /** Ends every disturbance of the network. */
  heal(): void {
    for (const { redis, front } of this.slots) {
      redis.resume();
      front?.resume();
    }
  }

  /** Ends everything; resolves to what ended badly. */
  async stop(): Promise<string[]> {
    this.heal();
    const ended = await Promise.all(
      this.slots.map(async (slot) => {
        const exit = await slot.close();
        return exit && exit.code !== 0 ? [`${slot.name} ended with ${exit.signal ?? `code ${exit.code}`}`] : [];
      }),
    );
    disconnect(this.client);
    await this.redis.stop();
    return ended.flat();
  }

  async #makeGroups(): Promise<void> {
    const publisher = createPublisher({ redis: this.redis.url, prefix: this.keys.prefix });
    for (const tenant of TENANTS) await publisher.groups.add(tenant, GROUP, [...GROUP_MEMBERS]);
    await publisher.close();
  }

  #onDeath(slot: ProcessSlot, exit: ChildExit): void {
    const isExpected = this.isFatalEventUnderWay && slot.app === 'worker' && exit.signal === 'SIGKILL';
    if (!isExpected) {
      const how = exit.signal ?? `code ${exit.code}`;
      this.#referee.report('G6', `${slot.name} ended by itself with ${how}`, { log: slot.log(15) });
    }
    slot
      .exclusively(() => slot.start())
      .catch((error: unknown) => this.#referee.report('G6', `${slot.name} does not start`, { error: String(error) }));
  }
}
