import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testRedis, uniquePrefix } from '@rejoin/testing';
import {
  connect,
  disconnect,
  keyspace,
  openInstallation,
  PartitionCountMismatchError,
  type RedisClient,
  reconnectDelayMs,
} from '../src/index.ts';

let client: RedisClient;
beforeAll(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
});
afterAll(() => disconnect(client));

describe('an installation', () => {
  it('keeps the partition count of its first start, and gives every partition an epoch', async () => {
    const keys = keyspace(uniquePrefix());
    expect(await openInstallation(client, keys, 3)).toMatchObject({ partitions: 3 });
    const epochs = await Promise.all([0, 1, 2].map((partition) => client.get(keys.partition(partition).epoch)));
    expect(new Set(epochs).size).toBe(3);
    expect(await openInstallation(client, keys, undefined)).toMatchObject({ partitions: 3 });
    await expect(openInstallation(client, keys, 4)).rejects.toThrow(PartitionCountMismatchError);
    await openInstallation(client, keys, 3);
    expect(await Promise.all([0, 1, 2].map((partition) => client.get(keys.partition(partition).epoch)))).toEqual(
      epochs,
    );
  });

  it('has eight partitions where nobody said otherwise', async () => {
    expect(await openInstallation(client, keyspace(uniquePrefix()), undefined)).toMatchObject({ partitions: 8 });
  });
});

describe('key names', () => {
  it('carry the partition’s hash tag', () => {
    const keys = keyspace('shop').partition(3);
    for (const key of [keys.events, keys.feed, keys.room('a:tenant'), keys.session('p')]) {
      expect(key.startsWith('{shop:3}:')).toBe(true);
    }
  });

  it('refuse a prefix that could end the hash tag', () => {
    expect(() => keyspace('a}b')).toThrow(RangeError);
    expect(() => keyspace('')).toThrow(RangeError);
  });
});

describe('reconnecting', () => {
  it('waits longer with every attempt, up to two seconds, never the same for all', () => {
    const delays = Array.from({ length: 50 }, (_, attempt) => reconnectDelayMs(attempt));
    expect(Math.max(...delays)).toBeLessThanOrEqual(2_000);
    expect(delays[0]).toBeLessThanOrEqual(50);
    expect(new Set(delays.slice(10)).size).toBeGreaterThan(5);
  });
});
