import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventReader, feedExcessBytes, trimEvents, trimFeed } from '../src/index.ts';
import { TestPartition } from './test-partition.ts';

/** Entries of one node of a stream; trimming the event stream removes whole nodes. */
const NODE = 100;

let partition: TestPartition;
let reader: EventReader;
beforeEach(async () => {
  partition = await TestPartition.open();
  reader = new EventReader(partition.client, partition.keys, partition.token);
});
afterEach(() => partition.close());

async function appendMany(count: number): Promise<string[]> {
  const pipeline = partition.client.pipeline();
  for (let index = 0; index < count; index++) pipeline.xadd(partition.keys.events, '*', 'event', `${index}`);
  return ((await pipeline.exec()) ?? []).map(([, id]) => id as string);
}

async function trimAll(): Promise<number> {
  let total = 0;
  for (let removed = -1; removed !== 0; total += removed) {
    removed = await trimEvents(partition.client, partition.keys, partition.token);
  }
  return total;
}

async function backlog(): Promise<number> {
  const { client, keys } = partition;
  return (await client.xlen(keys.events)) - Number(await client.get(keys.handled));
}

describe('trimming the event stream (G8)', () => {
  beforeEach(() => reader.start());

  test('removes what is handled, but for less than a node, and keeps the backlog exact', async () => {
    const ids = await appendMany(1_000);
    await reader.take(10_000);
    await partition.handle(...ids.slice(0, 950));
    expect(await backlog()).toBe(50);
    const removed = await trimAll();
    expect(removed).toBeGreaterThan(950 - NODE);
    expect(removed).toBeLessThan(950);
    expect(await backlog()).toBe(50);
    expect(await partition.idsOf(partition.keys.events)).toEqual(ids.slice(removed));
  });

  test('never removes what was taken and not handled', async () => {
    const ids = await appendMany(500);
    await reader.take(10_000);
    await partition.handle(ids.at(-1) as string);
    expect(await trimAll()).toBe(0);
    expect(await partition.idsOf(partition.keys.events)).toEqual(ids);
  });

  test('never removes what was not yet taken, even where `done` says otherwise', async () => {
    const ids = await appendMany(500);
    await partition.client.set(partition.keys.done, ids.at(-1) as string);
    expect(await trimAll()).toBe(0);
    await reader.take(250);
    await partition.client.xack(partition.keys.events, 'bridge', ...ids.slice(0, 250));
    const removed = await trimAll();
    expect(removed).toBeGreaterThan(0);
    expect(removed).toBeLessThan(250);
  });

  test('never removes what is acknowledged but not recorded as done', async () => {
    const ids = await appendMany(500);
    await reader.take(10_000);
    await partition.client.xack(partition.keys.events, 'bridge', ...ids);
    expect(await trimAll()).toBe(0);
  });

  test('never removes what another group has still to read, or to acknowledge', async () => {
    const { client, keys } = partition;
    const ids = await appendMany(500);
    await client.xgroup('CREATE', keys.events, 'archive', '0');
    await reader.take(10_000);
    await partition.handle(...ids);
    expect(await trimAll()).toBe(0);
    await client.xreadgroup('GROUP', 'archive', 'x', 'COUNT', 500, 'STREAMS', keys.events, '>');
    expect(await trimAll()).toBe(0);
    await client.xack(keys.events, 'archive', ...ids.slice(0, 300));
    const removed = await trimAll();
    expect(removed).toBeGreaterThan(300 - NODE);
    expect(removed).toBeLessThanOrEqual(300);
    expect(await backlog()).toBe(0);
  });

  test('keeps the entry of `done`, by which a history check recognises its place', async () => {
    const ids = await appendMany(10 * NODE);
    await reader.take(10_000);
    await partition.handle(...ids);
    await trimAll();
    expect(await partition.client.xrange(partition.keys.events, ids.at(-1) as string, '+')).toHaveLength(1);
  });

  test('counts nothing as handled where the first entry is not', async () => {
    const { client, keys } = partition;
    await client.set(keys.handled, 400);
    await appendMany(3);
    expect(await trimAll()).toBe(0);
    expect(await backlog()).toBe(3);
  });

  test('of a stream that does not exist is nothing', async () => {
    await partition.client.del(partition.keys.events);
    expect(await trimAll()).toBe(0);
  });
});

describe('trimming the feed', () => {
  const entryBytes = '0-0 acme t r'.length + 'payload'.length + 64;

  async function feed(...ids: string[]): Promise<void> {
    const { client, keys } = partition;
    for (const id of ids) {
      await client.xadd(keys.feed, id, 'route', '0-0 acme t r', 'event', 'payload');
      await client.incrby(keys.feedBytes, entryBytes);
    }
  }

  function trim(windowMs: number, excessBytes = 0): ReturnType<typeof trimFeed> {
    return trimFeed(partition.client, partition.keys, partition.token, { windowMs, excessBytes });
  }

  async function countedBytes(): Promise<number> {
    return Number(await partition.client.get(partition.keys.feedBytes));
  }

  test('removes exactly what is older than the window, and records the floor', async () => {
    const now = Date.now();
    await feed('5-1', '6-1', `${now - 61_000}-0`, `${now - 30_000}-0`, `${now}-0`);
    expect(await trim(60_000)).toEqual({
      removed: 3,
      removedBytes: 3 * entryBytes,
      more: false,
      floor: `${now - 61_000}-0`,
    });
    expect(await partition.idsOf(partition.keys.feed)).toEqual([`${now - 30_000}-0`, `${now}-0`]);
    expect(await partition.client.get(partition.keys.floor)).toBe(`${now - 61_000}-0`);
    expect(await countedBytes()).toBe(2 * entryBytes);
  });

  test('removes exactly as many of the oldest as the byte bound demands', async () => {
    const now = Date.now();
    await feed(...Array.from({ length: 10 }, (_, index) => `${now}-${index}`));
    expect(await trim(60_000, 5 * entryBytes + 1)).toMatchObject({ removed: 6, removedBytes: 6 * entryBytes });
    expect(await countedBytes()).toBe(4 * entryBytes);
    expect(await partition.client.get(partition.keys.floor)).toBe(`${now}-5`);
    expect(await partition.client.xlen(partition.keys.feed)).toBe(4);
  });

  test('removes an excess once, however many have measured it', async () => {
    const now = Date.now();
    await feed(...Array.from({ length: 10 }, (_, index) => `${now}-${index}`));
    const excess = { windowMs: 60_000, excessBytes: 4 * entryBytes, measuredAt: '0-0' };
    const run = () => trimFeed(partition.client, partition.keys, partition.token, excess);
    expect([(await run()).removed, (await run()).removed]).toEqual([4, 0]);
    expect(await countedBytes()).toBe(6 * entryBytes);
    expect(await partition.client.get(partition.keys.floor)).toBe(`${now}-3`);
  });

  test('goes in slices, each of which leaves floor and feed in agreement', async () => {
    await feed(...Array.from({ length: 200 }, (_, index) => `1-${index + 1}`));
    for (let left = 200, more = true; more; ) {
      const trimmed = await trim(60_000);
      left -= trimmed.removed;
      more = trimmed.more;
      expect(trimmed.removed).toBeLessThanOrEqual(64);
      expect(await partition.client.get(partition.keys.floor)).toBe(`1-${200 - left}`);
      expect(await partition.client.xlen(partition.keys.feed)).toBe(left);
      expect(await countedBytes()).toBe(left * entryBytes);
    }
    expect(await partition.client.xlen(partition.keys.feed)).toBe(0);
  });

  test('does nothing, and records no floor, where nothing is due', async () => {
    expect(await trim(60_000)).toEqual({ removed: 0, removedBytes: 0, more: false, floor: '0-0' });
    await feed(`${Date.now()}-1`);
    expect((await trim(60_000)).removed).toBe(0);
    expect(await partition.client.exists(partition.keys.floor)).toBe(0);
  });

  test('sets right a count of bytes that was lost or wrong', async () => {
    await feed('1-1', '1-2');
    await partition.client.set(partition.keys.feedBytes, 10);
    expect(await trim(60_000)).toMatchObject({ removed: 2 });
    expect(await countedBytes()).toBe(0);
    await partition.client.set(partition.keys.feedBytes, 5_000);
    expect(await trim(60_000)).toMatchObject({ removed: 0 });
    expect(await countedBytes()).toBe(0);
  });

  test('keeps IDs beyond 2^53 exact', async () => {
    await feed('18446744073709551614-18446744073709551614', '18446744073709551615-7');
    expect((await trim(60_000)).removed).toBe(0);
    expect((await trim(60_000, 1)).removed).toBe(1);
    expect(await partition.client.get(partition.keys.floor)).toBe('18446744073709551614-18446744073709551614');
  });
});

test('what is beyond the byte bound is given up in proportion, and no more than that', () => {
  const sizes = fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 2 ** 40 }), (bytes, maxBytes) => {
      const total = bytes.reduce((sum, each) => sum + each, 0);
      const excess = bytes.map((_, index) => feedExcessBytes(bytes, index, maxBytes));
      const kept = total - excess.reduce((sum, each) => sum + each, 0);
      for (const [index, each] of excess.entries()) expect(each).toBeLessThanOrEqual(bytes[index] as number);
      if (total <= maxBytes) expect(kept).toBe(total);
      else {
        expect(kept).toBeLessThanOrEqual(maxBytes);
        expect(kept).toBeGreaterThanOrEqual(maxBytes - bytes.length);
      }
    }),
  );
});
