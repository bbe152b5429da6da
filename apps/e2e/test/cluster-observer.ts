import { connect, disconnect, type Keyspace, type RedisClient } from '@rejoin/redis';
import { eventually } from '@rejoin/testing';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import { Server } from 'socket.io';

/** A Socket.IO server without clients that takes part in the cluster's control traffic: it sees every gateway's sockets. */
export class ClusterObserver {
  readonly #io: Server;
  readonly #clients: RedisClient[] = [];

  private constructor(redisUrl: string, keys: Keyspace) {
    const client = connect({ url: redisUrl, use: 'background', name: 'observer', onError: () => undefined }) as Redis;
    this.#clients.push(client);
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (...args) => {
      const copy = duplicate(...args);
      copy.on('error', () => undefined);
      this.#clients.push(copy);
      return copy;
    };
    const adapter = createAdapter(client, { streamName: keys.adapterStream, channelPrefix: keys.adapterChannel });
    this.#io = new Server({ adapter: adapter as never });
  }

  /** Resolves when it knows the gateways. */
  static async start(redisUrl: string, keys: Keyspace, gateways: number): Promise<ClusterObserver> {
    const observer = new ClusterObserver(redisUrl, keys);
    await eventually(async () => (await observer.#io.of('/').adapter.serverCount()) === gateways + 1, {
      timeoutMs: 10_000,
    });
    return observer;
  }

  /** The rooms that the socket with this id is in, on whatever gateway. */
  async roomsOf(socketId: string): Promise<string[]> {
    const sockets = await this.#io.in(socketId).fetchSockets();
    return sockets.flatMap(({ rooms }) => [...rooms]);
  }

  stop(): void {
    void this.#io.of('/').adapter.close();
    for (const client of this.#clients) disconnect(client);
  }
}
