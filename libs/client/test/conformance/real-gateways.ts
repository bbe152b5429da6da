import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type EntryId, formatCursor, partitionOf } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { RefusedError, ResumableGateway } from '@rejoin/socketio';
import { FeedWriter, TcpProxy, testRedis, uniquePrefix } from '@rejoin/testing';
import { Server } from 'socket.io';
import type { GatewayUnderTest } from './gateway-under-test.ts';

const TENANT = 'acme';
const PARTITIONS = 8;
const HOUR_MS = 3_600_000;

interface Running {
  readonly proxy: TcpProxy;
  stop(): Promise<void>;
}

/** Gateways of this project on a real Redis, with a writer in place of the worker. */
export class RealGateways implements GatewayUnderTest {
  readonly #keys: Keyspace = keyspace(uniquePrefix());
  readonly #redis: RedisClient = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  readonly #running: Running[] = [];
  readonly #entries: EntryId[] = [];
  readonly #writer: Promise<FeedWriter>;
  #epoch = '';

  private constructor(roomLimit: number) {
    this.#writer = FeedWriter.open(this.#redis, this.#partition, { maxPerRoom: roomLimit });
  }

  static async start({ roomLimit = 10_000 }: { readonly roomLimit?: number } = {}): Promise<RealGateways> {
    const gateways = new RealGateways(roomLimit);
    await gateways.#writer;
    await gateways.#open();
    return gateways;
  }

  get url(): string {
    return (this.#running.at(-1) as Running).proxy.url;
  }

  /** Connections that clients have now. */
  get connections(): number {
    return this.#running.reduce((sum, { proxy }) => sum + proxy.connections, 0);
  }

  async publish(count: number, hoursAgo = 0): Promise<void> {
    const writer = await this.#writer;
    const first = this.#entries.length + 1;
    const events = Array.from({ length: count }, (_, i) => ({
      id: `e${first + i}`,
      tenant: TENANT,
      rooms: [`${TENANT}:tenant`],
      data: { number: first + i },
    }));
    const at = hoursAgo === 0 ? undefined : Date.now() - hoursAgo * HOUR_MS;
    this.#entries.push(...(await writer.write(events, at)));
  }

  cursorOf(event: number): string {
    const entryId = this.#entries[event - 1] ?? '0-0';
    return formatCursor({ epoch: this.#epoch, partition: partitionOf(TENANT, PARTITIONS), entryId });
  }

  away(): void {
    this.#running.at(-1)?.proxy.refuse();
  }

  back(): void {
    this.#running.at(-1)?.proxy.resume();
  }

  sever(): void {
    this.#running.at(-1)?.proxy.cut();
  }

  async hop(): Promise<void> {
    const before = this.#running.at(-1) as Running;
    await this.#open();
    await before.stop();
  }

  async trim(upTo: number): Promise<void> {
    const floor = this.#entries[upTo - 1] as EntryId;
    await this.#redis.set(this.#partition.floor, floor);
    const [milliseconds, sequence] = floor.split('-') as [string, string];
    await this.#redis.xtrim(this.#partition.feed, 'MINID', `${milliseconds}-${BigInt(sequence) + 1n}`);
  }

  async losePayload(event: number): Promise<void> {
    await this.#redis.xdel(this.#partition.feed, this.#entries[event - 1] as EntryId);
  }

  async stop(): Promise<void> {
    for (const running of this.#running) await running.stop();
    disconnect(this.#redis);
  }

  get #partition(): PartitionKeys {
    return this.#keys.partition(partitionOf(TENANT, PARTITIONS));
  }

  async #open(): Promise<void> {
    const gateway = new ResumableGateway({
      redisUrl: testRedis(),
      keys: this.#keys,
      allowedOrigins: ['*'],
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      authenticate: async (token) => {
        if (typeof token !== 'string') throw new RefusedError('AUTH_REQUIRED', 'a token is required');
        const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as {
          sub: string;
          tenant_id: string;
          exp: number;
        };
        const principal = { tenantId: claims.tenant_id, userId: claims.sub, roles: [], scopes: [] };
        return { ...principal, expiresAtMs: claims.exp * 1_000 };
      },
      authorizeWatch: async () => true,
    });
    await gateway.start();
    const http = createServer();
    const server = new Server(http, { ...gateway.serverOptions(), transports: ['websocket'] });
    gateway.attach(server);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const proxy = await TcpProxy.start(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
    this.#running.push({
      proxy,
      stop: async () => {
        await gateway.stop();
        await server.close();
        http.closeAllConnections();
        await proxy.stop();
      },
    });
    this.#epoch = (await this.#redis.get(this.#partition.epoch)) as string;
  }
}
