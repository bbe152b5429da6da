import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendEvents, BacklogFullError } from '@rejoin/streams';
import { eventually, startTestRedis } from '@rejoin/testing';
import { numbered, PARTITIONS, TestInstallation } from './running-worker.ts';

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

describe('an owner', () => {
  test('trims the event stream behind what is handled, and the backlog stays exact', async () => {
    const { client, home } = installation;
    await installation.startWorker();
    const ids = await installation.append(...numbered(2_000));
    await installation.handled(ids.at(-1) as string);
    await eventually(async () => expect(await client.xlen(home.events)).toBeLessThan(100));
    expect(await client.xlen(home.events)).toBe(Number(await client.get(home.handled)));
    expect(await client.xlen(home.feed)).toBe(2_000);
  });

  test('trims the feed behind the replay window, and records the floor', async () => {
    const { client, home } = installation;
    await installation.startWorker({ replay: { windowMs: 200, maxPerRoom: 100, maxBytes: 1024 ** 3 } });
    const ids = await installation.append(...numbered(300));
    await installation.handled(ids.at(-1) as string);
    await eventually(async () => expect(await client.xlen(home.feed)).toBe(0));
    expect(await client.get(home.floor)).toBe(ids.at(-1));
    expect(await client.get(home.feedBytes)).toBe('0');
  });

  test('keeps all feeds together within their byte bound, at the cost of each of them', async () => {
    const { client, keys } = installation;
    const maxBytes = 40_000;
    await installation.startWorker({ replay: { windowMs: 3_600_000, maxPerRoom: 10_000, maxBytes } });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => keys.partition(partition));
    const appended = partitions.map(({ partition }) => {
      const tenantid = installation.tenantOf(partition);
      return installation.append(...numbered(200, 'e', { tenantid, data: 'x'.repeat(200) }));
    });
    for (const [index, ids] of (await Promise.all(appended)).entries()) {
      await installation.handled(ids.at(-1) as string, partitions[index]);
    }
    const sizes = async (): Promise<number[]> =>
      Promise.all(partitions.map(async ({ feedBytes }) => Number(await client.get(feedBytes))));
    await eventually(async () => {
      const total = (await sizes()).reduce((sum, size) => sum + size, 0);
      expect(total).toBeLessThanOrEqual(maxBytes);
      expect(total).toBeGreaterThan(0.8 * maxBytes);
    });
    // Nobody's feed is emptied for the others'.
    for (const size of await sizes()) expect(size).toBeGreaterThan(0);
  });

  test('ages the seen digests', async () => {
    const { client, home } = installation;
    await installation.startWorker();
    const ids = await installation.append({ id: 'a' });
    await installation.handled(ids[0] as string);
    await eventually(async () => expect(await client.hexists(home.seen, 'since')).toBe(1));
    await client.hset(home.seen, 'since', Date.now() - 600_000);
    await eventually(async () => expect(await client.exists(home.seenBefore)).toBe(1));
    expect(await client.hlen(home.seenBefore)).toBe(3);
  });

  test('looks after a partition itself where no job does', async () => {
    const { client, home, keys } = installation;
    await installation.startWorker();
    await eventually(async () => expect(await client.exists(home.upkept)).toBe(1));
    // What jobs are made of cannot be written any more.
    await client.del(...(await client.keys(`${keys.jobs}:upkeep:*`)));
    await client.set(`${keys.jobs}:upkeep:repeat`, 'no sorted set');
    const ids = await installation.append(...numbered(1_000));
    await installation.handled(ids.at(-1) as string);
    await eventually(async () => expect(await client.xlen(home.events)).toBeLessThan(100));
  });

  test('lets jobs look after its partitions, under its lease', async () => {
    const { client, home } = installation;
    // An owner whose own rounds are too far apart to be what trims here.
    const owner = await installation.startWorker({ upkeepMs: 600_000 });
    await eventually(() => expect(owner.owned).toHaveLength(PARTITIONS));
    await eventually(async () => expect(await client.exists(home.upkept)).toBe(1));
    const token = await client.get(home.lease);
    const ids = await installation.append(...numbered(1_000));
    await installation.handled(ids.at(-1) as string);
    const { upkeep } = installation.jobs();
    await client.del(...(await client.keys(`${installation.keys.jobs}:upkeep:*`)));
    await upkeep.ensure(100);
    await eventually(async () => expect(await client.xlen(home.events)).toBeLessThan(100), { timeoutMs: 15_000 });
    expect(await client.get(home.lease)).toBe(token);
  });

  test('notices between reconnections, too, that history broke', async () => {
    const { client, home } = installation;
    const worker = await installation.startWorker();
    const [first] = await installation.append({ id: 'first' });
    await installation.handled(first as string);
    const epoch = await client.get(home.epoch);
    // What a fail-over behind a proxy looks like: the same connection, but the last entries are gone.
    await client.del(home.feed, home.events, home.done, home.floor);
    await eventually(async () => {
      await installation.append({ id: 'next' });
      expect(worker.counters.historyBreaks).toBeGreaterThan(0);
    });
    expect(await client.get(home.epoch)).not.toBe(epoch);
  });
});

test('owners refuse publishing while memory is short, deliver what was accepted, and allow it again (G9)', async () => {
  const redis = await startTestRedis({ maxMemoryBytes: 0 });
  const own = await TestInstallation.open(redis.url);
  try {
    const { client, home, keys } = own;
    const worker = await own.startWorker();
    await eventually(() => expect(worker.owned).toHaveLength(PARTITIONS));
    const ids = await own.append(...numbered(500));
    await client.config('SET', 'maxmemory', '1mb');
    const flags = Array.from({ length: PARTITIONS }, (_, partition) => keys.partition(partition).full);
    await eventually(async () => expect(await client.exists(...flags)).toBe(PARTITIONS));
    await own.handled(ids.at(-1) as string);
    await expect(client.set('other', 'x')).rejects.toThrow('OOM');
    await client.config('SET', 'maxmemory', '0');
    await eventually(async () => expect(await client.exists(...flags)).toBe(0));
    await client.set(home.full, 'by hand', 'PX', 60_000);
    const publish = appendEvents(client, home, [{ digest: 'd', json: '{}' }]);
    await expect(publish).rejects.toThrow(BacklogFullError);
  } finally {
    await own.close();
    await redis.stop();
  }
});
