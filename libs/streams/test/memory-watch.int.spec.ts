import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually, startTestRedis } from '@rejoin/testing';
import {
  appendEvents,
  BacklogFullError,
  checkRedis,
  EventReader,
  LeaseStore,
  trimEvents,
  trimFeed,
  watchMemory,
} from '../src/index.ts';
import { randomText, TestPartition } from './test-partition.ts';

const MAX_MEMORY = 8 * 1024 ** 2;

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let partition: TestPartition;
beforeAll(async () => {
  redis = await startTestRedis({ maxMemoryBytes: MAX_MEMORY });
});
afterAll(() => redis.stop());
beforeEach(async () => {
  partition = await TestPartition.open(redis.url);
});
afterEach(async () => {
  await setMaxMemory(MAX_MEMORY);
  await partition.client.del('ballast', partition.keys.events, partition.keys.feed);
  partition.close();
});

function watch(percent = 90): ReturnType<typeof watchMemory> {
  return watchMemory(partition.client, partition.keys, partition.token, percent);
}

/** Uses memory up to `bytes`. */
async function fill(bytes: number): Promise<void> {
  const { client } = partition;
  while (Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]) < bytes) {
    await client.rpush('ballast', 'x'.repeat(20_000));
  }
}

async function setMaxMemory(bytes: number): Promise<void> {
  await partition.client.config('SET', 'maxmemory', String(bytes));
}

describe('while memory is short', () => {
  test('publishing is refused above the mark, in words, and allowed again below it', async () => {
    const { client, keys } = partition;
    expect(await watch()).toMatchObject({ full: false, maxBytes: MAX_MEMORY });
    await fill(0.95 * MAX_MEMORY);
    expect((await watch()).full).toBe(true);
    expect(await client.get(keys.full)).toMatch(/^9\d % of maxmemory are used$/);
    expect(await client.pttl(keys.full)).toBeGreaterThan(0);
    const publish = appendEvents(client, keys, [{ digest: randomText(), json: '{}' }]);
    await expect(publish).rejects.toThrow(BacklogFullError);
    await client.del('ballast');
    // Newer servers free what was deleted in the background.
    await eventually(async () => expect((await watch()).full).toBe(false));
    expect(await client.exists(keys.full)).toBe(0);
    expect((await appendEvents(client, keys, [{ digest: randomText(), json: '{}' }])).events).toHaveLength(1);
  });

  test('even where Redis refuses every other write, owners go on: leases, taking, trimming, the refusal itself', async () => {
    const { client, keys, keyspace, lease } = partition;
    await partition.append('a');
    await client.xadd(keys.feed, '1-1', 'event', 'x');
    await client.xgroup('CREATE', keys.events, 'other', '$');
    await fill(MAX_MEMORY / 2);
    await setMaxMemory(MAX_MEMORY / 4);
    await expect(client.set('more', 'x')).rejects.toThrow(/^OOM/);
    expect((await watch()).full).toBe(true);
    expect(await client.exists(keys.full)).toBe(1);
    const store = new LeaseStore(client, keyspace, 60_000);
    expect(await store.renew(lease)).toBe(true);
    expect(await store.acquire(1)).not.toBeNull();
    expect(await store.livingWorkers('w', true)).toEqual(['w']);
    const reader = new EventReader(client, keys, partition.token);
    await reader.start();
    expect((await reader.read('0-0')).entries).toHaveLength(1);
    expect(await reader.take(1)).toBe(1);
    expect(await trimEvents(client, keys, partition.token)).toBe(0);
    expect((await trimFeed(client, keys, partition.token, { windowMs: 1, excessBytes: 0 })).removed).toBe(1);
  });
});

test('a Redis without a limit is never short of memory', async () => {
  await setMaxMemory(0);
  expect(await watch(0)).toMatchObject({ full: false, maxBytes: 0 });
});

test('a Redis that may lose or evict accepted events is warned of, in words', async () => {
  const { client } = partition;
  expect(await checkRedis(client)).toMatchObject([{ code: 'NO_PERSISTENCE' }]);
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await client.config('SET', 'appendonly', 'yes');
  try {
    expect(await checkRedis(client)).toMatchObject([{ code: 'EVICTION_POLICY', severity: 'critical' }]);
  } finally {
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await client.config('SET', 'appendonly', 'no');
  }
});
