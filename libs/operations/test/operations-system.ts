import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { partitionOf } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { ResumableGateway, type ResumableGatewayOptions } from '@rejoin/socketio';
import { EventRecorder, eventually, FeedWriter, testRedis, uniquePrefix } from '@rejoin/testing';
import { Server } from 'socket.io';
import { io, type Socket } from 'socket.io-client';
import { Operations, type OperationsOptions } from '../src/index.ts';

export interface TestGateway {
  readonly url: string;
  readonly gateway: ResumableGateway;
}

/** Real gateways with stock clients, a writer in place of the worker, and operations beside them. Tokens are `<tenant>/<user>/<role,…>`. */
export class OperationsSystem {
  readonly keys: Keyspace = keyspace(uniquePrefix());
  readonly client: RedisClient = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  readonly operations: Operations;
  readonly #releases: (() => unknown)[] = [];
  readonly #writers = new Map<number, Promise<FeedWriter>>();

  constructor(options: Partial<OperationsOptions> = {}) {
    this.operations = new Operations({
      client: this.client,
      keys: this.keys,
      partitions: 8,
      redisUrl: testRedis(),
      replay: { windowMs: 86_400_000, maxBytes: 1024 ** 3 },
      controlMs: 5_000,
      onError: () => undefined,
      ...options,
    });
  }

  async gateway(options: Partial<ResumableGatewayOptions> = {}): Promise<TestGateway> {
    const gateway = new ResumableGateway({
      redisUrl: testRedis(),
      keys: this.keys,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      authenticate: async (token) => {
        const [tenantId = '', userId = '', roles] = String(token).split('/');
        const expiresAtMs = Date.now() + 3_600_000;
        return {
          tenantId,
          userId,
          roles: roles ? roles.split(',') : [],
          scopes: [],
          tokenId: `jti of ${String(token)}`,
          expiresAtMs,
        };
      },
      authorizeWatch: async () => true,
      ...options,
    });
    this.#releases.push(() => gateway.stop());
    await gateway.start();
    const http = createServer();
    const server = new Server(http, { ...gateway.serverOptions(), transports: ['websocket', 'polling'] });
    gateway.attach(server);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    this.#releases.push(() => stop(gateway, server, http));
    return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, gateway };
  }

  /** A stock client that is live. */
  async connect(
    { url }: TestGateway,
    token: string,
    auth: Record<string, unknown> = {},
  ): Promise<{ socket: Socket; recorder: EventRecorder }> {
    const socket = io(url, {
      auth: { token, ...auth },
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    });
    this.#releases.push(() => socket.disconnect());
    const ready = new Promise<void>((resolve, reject) => {
      socket.once('rejoin:ready', () => resolve());
      socket.once('connect_error', reject);
      // Whoever is shut out between admission and connection is told so on the open socket.
      socket.once('rejoin:closing', (data: unknown) => reject(Object.assign(new Error('closed'), { data })));
    });
    const recorder = new EventRecorder(socket);
    await ready;
    return { socket, recorder };
  }

  writer(tenant: string): Promise<FeedWriter> {
    const partition = partitionOf(tenant, 8);
    let writer = this.#writers.get(partition);
    if (!writer) {
      writer = FeedWriter.open(this.client, this.keys.partition(partition));
      this.#writers.set(partition, writer);
    }
    return writer;
  }

  /** Fans one event out; returns its entry ID. */
  async publish(id: string, tenant: string, rooms: readonly string[], type = 'order.paid'): Promise<string> {
    const [entryId] = await (await this.writer(tenant)).write([{ id, tenant, rooms, type }]);
    return entryId as string;
  }

  /** Resolves when the gateways have read up to an event. */
  async reached(id: string): Promise<void> {
    await eventually(async () => {
      const { gateways } = await this.operations.traces.trace({ user: 'olga', tenant: null }, id);
      return gateways.every(({ answered, reached }) => answered && reached);
    });
  }

  async close(): Promise<void> {
    for (const release of this.#releases.reverse()) await release();
    await this.operations.stop();
    disconnect(this.client);
  }
}

async function stop(gateway: ResumableGateway, server: Server, http: HttpServer): Promise<void> {
  await gateway.stop();
  await server.close();
  http.closeAllConnections();
}
