import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventReader, LeaseStore, type PartitionLease } from '@rejoin/streams';
import { eventually, startTestRedis, TcpProxy, testRedis } from '@rejoin/testing';
import type { Worker } from '../src/worker.ts';
import { expectDelivered, numbered, PARTITIONS, TestInstallation } from './running-worker.ts';

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

/** Takes entries the way a worker does that dies with them in hand. */
async function takeAndDie(count: number): Promise<void> {
  const { client, keys, home } = installation;
  const store = new LeaseStore(client, keys, 60_000);
  const lease = (await store.acquire(home.partition)) as PartitionLease;
  const reader = new EventReader(client, home, lease.token);
  await reader.start();
  expect(await reader.take(count)).toBe(count);
  await store.release(lease);
}

function owns(worker: Worker, count: number): Promise<unknown> {
  return eventually(() => expect(worker.owned).toHaveLength(count), { timeoutMs: 15_000 });
}

/** Keeps publishing until `until` resolves; resolves to what was published. */
async function publishDuring(until: Promise<unknown>, target = installation): Promise<{ id: string }[]> {
  const published: { id: string }[] = [];
  let over = false;
  const ended = until.finally(() => {
    over = true;
  });
  while (!over) {
    const events = Array.from({ length: 20 }, (_, index) => ({ id: `e${published.length + index}` }));
    await target.append(...events);
    published.push(...events);
  }
  await ended;
  return published;
}

async function expectAllDelivered(published: { id: string }[], target = installation): Promise<void> {
  const [last] = await target.append({ id: 'last' });
  await target.handled(last as string);
  expectDelivered(await target.feed(), [...published, { id: 'last' }]);
}

describe('the next owner', () => {
  test('completes an event for many rooms whose steps broke off: each room has it once', async () => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      await installation.startWorker({ redisUrl: proxy.url });
      const { client, home } = installation;
      const users = Array.from({ length: 900 }, (_, index) => `m${index}`);
      const audience = users.map((user) => `user:${user}`).join();
      // Of the second step and of the last one: they are done, and the worker does not know.
      for (const [id, user] of [
        ['second', 'm300'],
        ['last', 'm899'],
      ] as const) {
        const lost = proxy.loseReplyTo(`user%3A${user}`);
        const [wide] = await installation.append({ id, audience });
        await lost;
        // What was written ahead stands in the way of everything, of itself as well, until it is taken back.
        await eventually(
          async () =>
            expect({ done: await client.get(home.done), writtenAhead: await client.llen(home.ahead) }).toEqual({
              done: wide,
              writtenAhead: 0,
            }),
          { timeoutMs: 15_000 },
        );
      }
      const [last] = await installation.append({ id: 'end' });
      await installation.handled(last as string, home, 15_000);
      const feed = await installation.feed();
      expectDelivered(feed, [{ id: 'second' }, { id: 'last' }, { id: 'end' }]);
      const ids = feed.slice(0, 2).map(({ entryId }) => entryId);
      for (const room of feed[0]?.rooms ?? []) expect(await client.lrange(home.room(room), 0, -1)).toEqual(ids);
      expect(await client.exists(home.ahead)).toBe(0);
    } finally {
      await installation.close();
      await proxy.stop();
    }
  }, 90_000);

  test('first handles what a dead worker had taken', async () => {
    await installation.append(...numbered(1_300));
    await takeAndDie(700);
    await installation.startWorker();
    await eventually(async () => expectDelivered(await installation.feed(), numbered(1_300)), { timeoutMs: 20_000 });
  });

  test('first handles what somebody took under another consumer’s name', async () => {
    const { client, home } = installation;
    await installation.append(...numbered(10));
    await client.xgroup('CREATE', home.events, 'bridge', '0');
    await client.xreadgroup('GROUP', 'bridge', 'operator', 'COUNT', 4, 'STREAMS', home.events, '>');
    await installation.startWorker();
    await eventually(async () => expectDelivered(await installation.feed(), numbered(10)));
  });

  test('counts a taken entry whose payload is gone as lost, and goes on', async () => {
    const ids = await installation.append(...numbered(5));
    await takeAndDie(5);
    await installation.client.xdel(installation.home.events, ids[2] as string);
    await installation.startWorker();
    await installation.handled(ids[4] as string);
    expectDelivered(
      await installation.feed(),
      [0, 1, 3, 4].map((index) => ({ id: `e${index}` })),
    );
    expect(await installation.deadLetters()).toMatchObject([{ entryId: ids[2], code: 'PAYLOAD_MISSING', event: null }]);
  });

  test('takes over within the time of a lease from one that vanished, and nothing is lost or doubled', async () => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      const victim = await installation.startWorker({ redisUrl: proxy.url });
      await owns(victim, PARTITIONS);
      const heir = await installation.startWorker();
      await owns(heir, PARTITIONS / 2);
      const published = await publishDuring(
        (async () => {
          proxy.stall();
          const stalledAtMs = performance.now();
          await owns(heir, PARTITIONS);
          expect(performance.now() - stalledAtMs).toBeLessThan(5_000);
          // What the zombie had sent arrives now, long after its lease was another's.
          proxy.resume();
          await owns(victim, PARTITIONS / 2);
        })(),
      );
      await expectAllDelivered(published);
    } finally {
      await installation.close();
      await proxy.stop();
    }
  });

  test('takes over at once from one that stops, which finishes its batch', async () => {
    const first = await installation.startWorker();
    const second = await installation.startWorker();
    await owns(second, PARTITIONS / 2);
    const published = await publishDuring(first.stop().then(() => owns(second, PARTITIONS)));
    await expectAllDelivered(published);
    expect(first.counters.failures + first.counters.fenced).toBe(0);
  });
});

describe('a lost reply', () => {
  // Only a worker's reads name a position; only those of `fan-out.lua` name keys behind the feed's bytes.
  test.each([
    ['of reading', '\r\nxread\r\n'],
    ['of fanning out', ':feed-bytes\r\n$'],
  ])('%s loses, doubles and reorders nothing', async (_, pattern) => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      const worker = await installation.startWorker({ redisUrl: proxy.url, bounds: { maxEntries: 10 } });
      const [first] = await installation.append({ id: 'first' });
      await installation.handled(first as string);
      // Only this partition has anything to take now.
      await owns(worker, PARTITIONS);
      const lost = proxy.loseReplyTo(pattern);
      await installation.append(...numbered(400));
      await lost;
      for (let round = 0; round < 5; round++) await proxy.loseReplyTo(pattern);
      await eventually(async () => expectDelivered(await installation.feed(), [{ id: 'first' }, ...numbered(400)]), {
        timeoutMs: 15_000,
      });
      expect(await installation.client.xpending(installation.home.events, 'bridge')).toEqual([0, null, null, null]);
    } finally {
      await installation.close();
      await proxy.stop();
    }
  });
});

test('a lost reply that brought the last entries for now is noticed although no others come', async () => {
  const proxy = await TcpProxy.start(testRedis());
  try {
    const worker = await installation.startWorker({ redisUrl: proxy.url });
    await owns(worker, PARTITIONS);
    for (let round = 0; round < 10; round++) {
      const lost = proxy.loseReplyTo('\r\nxread\r\n');
      const ids = await installation.append(...numbered(3, `${round}-`));
      await lost;
      await installation.handled(ids[2] as string);
    }
    expect(await installation.feed()).toHaveLength(30);
  } finally {
    await installation.close();
    await proxy.stop();
  }
});

describe('a worker whose connections are cut again and again', () => {
  test('loses, doubles and reorders nothing', async () => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      const worker = await installation.startWorker({ redisUrl: proxy.url, bounds: { maxEntries: 20 } });
      await owns(worker, PARTITIONS);
      const published = await publishDuring(
        (async () => {
          for (let round = 0; round < 10; round++) {
            const { delivered } = worker.counters;
            await eventually(() => expect(worker.counters.delivered).toBeGreaterThan(delivered));
            proxy.cut();
          }
        })(),
      );
      await expectAllDelivered(published);
    } finally {
      await installation.close();
      await proxy.stop();
    }
  });
});

describe('a consumer group', () => {
  test('that vanishes under a working worker is made again, and nothing is lost', async () => {
    const { client, home } = installation;
    const worker = await installation.startWorker();
    await owns(worker, PARTITIONS);
    const published = await publishDuring(
      (async () => {
        for (let round = 0; round < 5; round++) {
          const { delivered } = worker.counters;
          await eventually(() => expect(worker.counters.delivered).toBeGreaterThan(delivered));
          await client.xgroup('DESTROY', home.events, 'bridge');
        }
      })(),
    );
    await expectAllDelivered(published);
    expect(worker.counters.failures).toBeGreaterThan(0);
  });

  test('that vanishes with its stream while the worker waits is made again', async () => {
    const { client, home } = installation;
    const worker = await installation.startWorker();
    const [first] = await installation.append({ id: 'first' });
    await installation.handled(first as string);
    await client.del(home.events);
    const [second] = await installation.append({ id: 'second' });
    await installation.handled(second as string);
    expectDelivered(await installation.feed(), [{ id: 'first' }, { id: 'second' }]);
    expect(worker.health().ready).toBe(true);
  });
});

test('a partition that is broken does not stop the others, and goes on when it is repaired', async () => {
  const { client, home, keys } = installation;
  await client.set(home.feed, 'not a stream');
  await installation.startWorker();
  const other = keys.partition((home.partition + 1) % PARTITIONS);
  const tenantid = installation.tenantOf(other.partition);
  const [stuck] = await installation.append({ id: 'stuck' });
  const ids = await installation.append(...numbered(50, 'other', { tenantid }));
  await installation.handled(ids.at(-1) as string, other);
  expectDelivered(await installation.feed(other), numbered(50, 'other'));
  expect(await client.get(home.done)).toBeNull();
  await client.del(home.feed);
  await installation.handled(stuck as string);
  expectDelivered(await installation.feed(), [{ id: 'stuck' }]);
});

describe('a Redis', () => {
  test('that is killed and comes back on its append-only file loses nothing, and its history counts as whole', async () => {
    const redis = await startTestRedis({ appendOnly: true, appendFsync: 'always' });
    const own = await TestInstallation.open(redis.url);
    try {
      const worker = await own.startWorker();
      await owns(worker, PARTITIONS);
      const epoch = await own.client.get(own.home.epoch);
      const published = numbered(2_000);
      for (let round = 0; round < 4; round++) {
        await own.append(...published.slice(round * 500, (round + 1) * 500));
        await redis.kill();
        await redis.restart();
      }
      await expectAllDelivered(published as { id: string }[], own);
      expect(worker.counters.historyBreaks).toBe(0);
      expect(await own.client.get(own.home.epoch)).toBe(epoch);
      await eventually(() => expect(worker.health().ready).toBe(true));
    } finally {
      await own.close();
      await redis.stop();
    }
  });

  test('that comes back without what it had gives the partitions new epochs', async () => {
    const redis = await startTestRedis({ listen: 'tcp' });
    const own = await TestInstallation.open(redis.url);
    try {
      const worker = await own.startWorker();
      const [last] = await own.append(...numbered(1));
      await own.handled(last as string);
      const epoch = await own.client.get(own.home.epoch);
      await redis.kill();
      await redis.restart();
      await eventually(() => expect(worker.counters.historyBreaks).toBe(PARTITIONS), { timeoutMs: 10_000 });
      expect(await own.client.get(own.home.epoch)).not.toBe(epoch);
      const [next] = await own.append({ id: 'next' });
      await own.handled(next as string);
      expectDelivered(await own.feed(), [{ id: 'next' }]);
    } finally {
      await own.close();
      await redis.stop();
    }
  });
});
