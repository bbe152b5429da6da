import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { partitionOf } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { EventRecorder, FeedWriter, testRedis, uniquePrefix } from '@rejoin/testing';
import { Server } from 'socket.io';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { RefusedError, ResumableGateway, type ResumableGatewayOptions } from '../src/index.ts';

export interface TestGateway {
  readonly url: string;
  readonly io: Server;
  readonly gateway: ResumableGateway;
  stop(): Promise<void>;
}

/** Gateways on one prefix, stock clients, and a writer in place of the worker. Tokens are `<tenant>/<user>/<role,…>/<ms to live>`. */
export class Fixture {
  readonly keys: Keyspace = keyspace(uniquePrefix());
  readonly client: RedisClient;
  readonly #releases: (() => unknown)[] = [];
  readonly #writers = new Map<string, Promise<FeedWriter>>();

  constructor() {
    this.client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  }

  async gateway(options: Partial<ResumableGatewayOptions> = {}): Promise<TestGateway> {
    const gateway = new ResumableGateway({
      redisUrl: testRedis(),
      keys: this.keys,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      authenticate: async (token) => {
        if (typeof token !== 'string') throw new RefusedError('AUTH_REQUIRED', 'a token is required');
        const [tenantId, userId, roles, lifeMs = '3600000'] = token.split('/');
        if (!tenantId || !userId) throw new RefusedError('AUTH_INVALID', 'bad token');
        return {
          tenantId,
          userId,
          roles: roles ? roles.split(',') : [],
          scopes: [],
          tokenId: `jti of ${token}`,
          expiresAtMs: Date.now() + Number(lifeMs),
        };
      },
      authorizeWatch: async ({ roles }) => roles.includes('staff'),
      ...options,
    });
    this.#releases.push(() => gateway.stop());
    await gateway.start();
    const http = createServer();
    const server = new Server(http, { ...gateway.serverOptions(), transports: ['websocket', 'polling'] });
    gateway.attach(server);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= stopGateway(gateway, server, http);
      return stopping;
    };
    this.#releases.push(stop);
    return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, io: server, gateway, stop };
  }

  /** A stock client, and what it receives. */
  connect(
    gateway: TestGateway,
    auth: Record<string, unknown> | ((cb: (data: object) => void) => void),
    options: Partial<ManagerOptions & SocketOptions> = {},
  ): { socket: Socket; recorder: EventRecorder } {
    const socket = io(gateway.url, {
      auth,
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 50,
      ...options,
    });
    this.#releases.push(() => socket.disconnect());
    return { socket, recorder: new EventRecorder(socket) };
  }

  writer(tenant: string, partitions = 8): Promise<FeedWriter> {
    const partition = partitionOf(tenant, partitions);
    const key = String(partition);
    let writer = this.#writers.get(key);
    if (!writer) {
      writer = FeedWriter.open(this.client, this.keys.partition(partition));
      this.#writers.set(key, writer);
    }
    return writer;
  }

  /** Fans events out to a tenant's rooms; returns their ids. */
  async publish(tenant: string, count: number, rooms: readonly string[], options: PublishOptions = {}) {
    const ids = Array.from({ length: count }, () => uniquePrefix());
    const writer = await this.writer(tenant);
    await writer.write(
      ids.map((id) => ({ id, tenant, rooms, type: options.type ?? 'order.paid', data: options.data ?? {} })),
    );
    return ids;
  }

  async close(): Promise<void> {
    for (const release of this.#releases.reverse()) await release();
    disconnect(this.client);
  }
}

interface PublishOptions {
  readonly type?: string;
  readonly data?: unknown;
}

async function stopGateway(gateway: ResumableGateway, server: Server, http: HttpServer): Promise<void> {
  await gateway.stop();
  await server.close();
  http.closeAllConnections();
}

export const tenantRoom = (tenant: string): string => `${tenant}:tenant`;
export const userRoom = (tenant: string, user: string): string => `${tenant}:user%3A${user}`;
export const orderRoom = (tenant: string, order: string): string => `${tenant}:order%3A${order}`;

/** Ends the network connection under a client, which then reconnects by itself. */
export function cut(socket: Socket): void {
  socket.io.engine.close();
}
