import { disconnect, type Keyspace, type RedisClient } from '@rejoin/redis';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import type { Redis } from 'ioredis';
import type { Namespace, Server } from 'socket.io';

type AdapterFactory = Exclude<Parameters<Server['adapter']>[0], undefined>;

/** What is used of an adapter instance. */
interface ClusterAdapter {
  close(): void;
}

/**
 * The Redis Streams adapter, in charge of rooms and of the cluster's control traffic (`fetchSockets`, `disconnectSockets`,
 * `serverSideEmit`, plain `emit`), with an end to the connections that it makes for itself and never closes.
 */
export class StreamsAdapter {
  readonly factory: AdapterFactory;
  readonly #client: RedisClient;
  readonly #duplicates: RedisClient[] = [];
  readonly #adapters: ClusterAdapter[] = [];
  #isClosed = false;

  /** @param client must wait for Redis (use `background`): the adapter repeats a failed read at once, without a pause */
  constructor(client: RedisClient, keys: Keyspace, onError: (error: Error) => void) {
    this.#client = client;
    this.#trackDuplicates(onError);
    // Made with the first namespace: it polls from then on, and can be ended only by closing what it made.
    let create: ReturnType<typeof createAdapter> | undefined;
    const adapters = this.#adapters;
    // Socket.IO calls it with `new`, which an arrow function refuses.
    this.factory = function adapterOf(namespace: Namespace) {
      create ??= createAdapter(client, { streamName: keys.adapterStream, channelPrefix: keys.adapterChannel });
      const adapter = create(namespace) as unknown as ClusterAdapter;
      adapters.push(adapter);
      return adapter;
    } as unknown as AdapterFactory;
  }

  /** Ends the adapters, then their connections: a poll loop that loses its connection before it is ended spins. */
  close(): void {
    this.#isClosed = true;
    for (const adapter of this.#adapters) adapter.close();
    for (const client of this.#duplicates) disconnect(client);
    disconnect(this.#client);
  }

  #trackDuplicates(onError: (error: Error) => void): void {
    const client = this.#client as Redis;
    client.publish = this.#watched(client.publish.bind(client), onError);
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (...args) => {
      const copy = duplicate(...args);
      copy.on('error', onError);
      copy.subscribe = this.#watched(copy.subscribe.bind(copy), onError);
      this.#duplicates.push(copy);
      return copy;
    };
  }

  /** A command that the adapter sends without looking at what becomes of it: failing, it would end the process. */
  #watched<Send extends (...args: never[]) => Promise<unknown>>(send: Send, onError: (error: Error) => void): Send {
    return ((...args: Parameters<Send>) => {
      const sent = send(...args);
      sent.catch((error: unknown) => {
        if (!this.#isClosed) onError(error as Error);
      });
      return sent;
    }) as Send;
  }
}
