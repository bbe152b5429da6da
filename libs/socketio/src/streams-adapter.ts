import { disconnect, type Keyspace, type RedisClient } from '@rejoin/redis';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import type { Namespace, Server } from 'socket.io';

type AdapterFactory = Exclude<Parameters<Server['adapter']>[0], undefined>;

/** The methods of an adapter instance through which stock connection state recovery works. */
interface RecoveringAdapter {
  persistSession(session: unknown): void;
  restoreSession(pid: string, offset: string): Promise<null>;
  addOffsetIfNecessary(packet: unknown, opts: unknown, offset: unknown): void;
  serverCount(): Promise<number>;
  close(): void;
}

/**
 * The Redis Streams adapter, in charge of rooms and of the cluster's control traffic, without its connection state
 * recovery: that restores rooms and writes missed packets before any token is verified, and reads the whole shared stream
 * for each client. Resume is `ResumableGateway`'s; these methods would undo it.
 */
export class StreamsAdapter {
  readonly factory: AdapterFactory;
  readonly #client: RedisClient;
  readonly #duplicates: RedisClient[] = [];
  readonly #adapters: RecoveringAdapter[] = [];

  /** @param client must wait for Redis (use `background`): the adapter repeats a failed read at once, without a pause */
  constructor(client: RedisClient, keys: Keyspace, onError: (error: Error) => void) {
    this.#client = client;
    this.#trackDuplicates(onError);
    const create = createAdapter(client, { streamName: keys.adapterStream, channelPrefix: keys.adapterChannel });
    const adapters = this.#adapters;
    // Socket.IO calls it with `new`, which an arrow function refuses.
    this.factory = function adapterOf(namespace: Namespace) {
      const adapter = create(namespace) as unknown as RecoveringAdapter;
      adapter.persistSession = () => undefined;
      adapter.restoreSession = () => Promise.resolve(null);
      adapter.addOffsetIfNecessary = () => undefined;
      adapters.push(adapter);
      return adapter;
    } as unknown as AdapterFactory;
  }

  /** Resolves when this gateway takes part in the cluster's control traffic. */
  async joined(): Promise<boolean> {
    const counts = await Promise.all(this.#adapters.map((adapter) => adapter.serverCount()));
    return counts.every((count) => count >= 1);
  }

  /** Ends the adapters, then the connections that they made for themselves: a poll loop that lost its connection spins. */
  close(): void {
    for (const adapter of this.#adapters) adapter.close();
    for (const client of this.#duplicates) disconnect(client);
    disconnect(this.#client);
  }

  #trackDuplicates(onError: (error: Error) => void): void {
    const client = this.#client as Redis;
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (...args) => {
      const copy = duplicate(...args);
      copy.on('error', onError);
      this.#duplicates.push(copy);
      return copy;
    };
  }
}
