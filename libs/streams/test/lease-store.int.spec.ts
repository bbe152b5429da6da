import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { eventually, uniquePrefix } from '@rejoin/testing';
import { EventReader, FencedError, LeaseStore, type PartitionLease, trimEvents, trimFeed } from '../src/index.ts';
import { testClient } from './test-partition.ts';

let client: RedisClient;
beforeAll(() => {
  client = testClient();
});
afterAll(() => disconnect(client));

async function acquired(store: LeaseStore, partition = 0): Promise<PartitionLease> {
  const lease = await store.acquire(partition);
  if (!lease) throw new Error('the lease is held');
  return lease;
}

test('a partition has one owner, until it gives the lease back', async () => {
  const store = new LeaseStore(client, keyspace(uniquePrefix()), 60_000);
  const attempts = await Promise.all(Array.from({ length: 20 }, () => store.acquire(0)));
  const [owner, ...others] = attempts.filter((lease) => lease !== null);
  expect(others).toEqual([]);
  expect(await store.isFree(0)).toBe(false);
  expect(await store.isFree(1)).toBe(true);
  await store.release(owner as PartitionLease);
  expect(await store.isFree(0)).toBe(true);
  expect(await store.acquire(0)).not.toBeNull();
});

test('every lease has a token of its own, even where the counter was lost', async () => {
  const keys = keyspace(uniquePrefix());
  const store = new LeaseStore(client, keys, 60_000);
  const tokens = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const lease = await acquired(store);
    expect(lease.token).toMatch(/^\d+-[A-Za-z0-9_-]{12}$/);
    expect(await client.get(keys.partition(0).lease)).toBe(lease.token);
    tokens.add(lease.token);
    await store.release(lease);
    if (round % 2 === 0) await client.del(keys.partition(0).fence);
  }
  expect(tokens.size).toBe(20);
});

test('a lease runs out where it is not renewed, and is held where it is', async () => {
  const store = new LeaseStore(client, keyspace(uniquePrefix()), 4_000);
  const renewed = await acquired(store, 0);
  const left = await acquired(store, 1);
  await eventually(
    async () => {
      expect(await store.renew(renewed)).toBe(true);
      return store.isFree(1);
    },
    { timeoutMs: 15_000 },
  );
  expect(left.held).toBe(false);
  expect(renewed.held).toBe(true);
  expect(await store.renew(left)).toBe(false);
});

test('nobody renews or releases a lease with a token that is not the owner’s', async () => {
  const keys = keyspace(uniquePrefix());
  const store = new LeaseStore(client, keys, 60_000);
  const zombie = await acquired(store);
  await client.del(keys.partition(0).lease);
  const owner = await acquired(store);
  expect(await store.renew(zombie)).toBe(false);
  await store.release(zombie);
  expect(await store.renew(owner)).toBe(true);
});

test('every script refuses a zombie, and has done nothing', async () => {
  const keys = keyspace(uniquePrefix());
  const partition = keys.partition(0);
  const store = new LeaseStore(client, keys, 60_000);
  const zombie = await acquired(store);
  await new EventReader(client, partition, zombie.token).start();
  await client.xadd(partition.events, '*', 'event', 'e');
  await client.xadd(partition.feed, '1-1', 'event', 'e');
  await client.del(partition.lease);
  await acquired(store);
  const reader = new EventReader(client, partition, zombie.token);
  const acts = [
    () => reader.start(),
    () => reader.take(1),
    () => reader.recordTrial('1-1'),
    () => trimEvents(client, partition, zombie.token),
    () => trimFeed(client, partition, zombie.token, { windowMs: 1, excessBytes: 0 }),
  ];
  for (const act of acts) await expect(act()).rejects.toThrow(FencedError);
  expect(await client.xpending(partition.events, 'bridge')).toEqual([0, null, null, null]);
  expect(await client.xlen(partition.feed)).toBe(1);
});

test('workers see who beats, and forget who does not', async () => {
  const keys = keyspace(uniquePrefix());
  const store = new LeaseStore(client, keys, 1_000);
  expect(await store.livingWorkers('a', true)).toEqual(['a']);
  expect(await store.livingWorkers('b', false)).toEqual(['a']);
  await eventually(async () => expect(await store.livingWorkers('b', true)).toEqual(['b']));
  expect(await client.zcard(keys.workers)).toBe(1);
});

test('a heartbeat from the future, written before the clock was set back, does not count', async () => {
  const keys = keyspace(uniquePrefix());
  const store = new LeaseStore(client, keys, 60_000);
  await client.zadd(keys.workers, Date.now() + 3_600_000, 'ghost');
  expect(await store.livingWorkers('a', false)).toEqual([]);
  expect(await store.livingWorkers('a', true)).toEqual(['a']);
});
