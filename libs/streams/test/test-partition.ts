import { randomBytes } from 'node:crypto';
import { connect, disconnect, type Keyspace, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { testRedis, uniquePrefix } from '@rejoin/testing';
import { LeaseStore, type PartitionLease } from '../src/index.ts';

/** A partition of its own for one test, and a lease on it. */
export class TestPartition {
  readonly client: RedisClient;
  readonly keyspace: Keyspace;
  readonly keys: PartitionKeys;
  readonly lease: PartitionLease;

  private constructor(client: RedisClient, keys: Keyspace, lease: PartitionLease) {
    this.client = client;
    this.keyspace = keys;
    this.keys = keys.partition(0);
    this.lease = lease;
  }

  static async open(url = testRedis()): Promise<TestPartition> {
    const client = testClient(url);
    const keys = keyspace(uniquePrefix());
    const lease = await new LeaseStore(client, keys, 60_000).acquire(0);
    if (!lease) throw new Error('a fresh partition has an owner');
    return new TestPartition(client, keys, lease);
  }

  get token(): string {
    return this.lease.token;
  }

  /** Appends entries with one field `event` each; resolves to their IDs. */
  async append(...texts: readonly string[]): Promise<string[]> {
    const ids: string[] = [];
    for (const text of texts) ids.push((await this.client.xadd(this.keys.events, '*', 'event', text)) as string);
    return ids;
  }

  /** Does what a fan-out does to the event stream. */
  async handle(...ids: readonly string[]): Promise<void> {
    await this.client.set(this.keys.done, ids.at(-1) as string);
    await this.client.incrby(this.keys.handled, ids.length);
    await this.client.xack(this.keys.events, 'bridge', ...ids);
  }

  async idsOf(stream: string): Promise<string[]> {
    return (await this.client.xrange(stream, '-', '+')).map(([id]) => id);
  }

  close(): void {
    disconnect(this.client);
  }
}

/** A client whose errors a test sees as rejected commands. */
export function testClient(url = testRedis()): RedisClient {
  return connect({ url, use: 'commands', name: 'test', onError: () => undefined });
}

export function randomText(): string {
  return randomBytes(12).toString('hex');
}
