import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { partitionOf } from '@rejoin/protocol';
import { createPublisher, type Publisher, type PublisherOptions } from '@rejoin/publisher';
import { eventually, startTestRedis, TcpProxy, testRedis } from '@rejoin/testing';
import { Redis } from 'ioredis';
import { StoredEvents } from './stored-events.ts';

const partition = partitionOf('acme', 8);
const event = (id: string, tenantid = 'acme') => ({ id, tenantid, source: '/orders', type: 'order.paid' });
const names = (count: number) => Array.from({ length: count }, (_, index) => `e-${index}`);

let stored: StoredEvents;
let proxy: TcpProxy;
let open: Publisher[];
const publisher = (options: Partial<PublisherOptions> = {}) => {
  const made = createPublisher({ redis: proxy.url, prefix: stored.prefix, ...options });
  open.push(made);
  return made;
};
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
  return 'still waiting';
};
const elapsedMs = async (act: () => Promise<unknown>) => {
  const start = performance.now();
  await act();
  return performance.now() - start;
};

beforeEach(async () => {
  stored = new StoredEvents(testRedis());
  proxy = await TcpProxy.start(testRedis());
  open = [];
});
afterEach(async () => {
  proxy.resume();
  await Promise.all(open.map((each) => each.close()));
  await proxy.stop();
  stored.close();
});

describe('a reply that is lost', () => {
  test.each(['fail', { waitMs: 10_000 }] as const)('does not double the event (%p)', async (whenUnavailable) => {
    const subject = publisher({ whenUnavailable });
    await subject.publish(event('o-1'));
    const lost = proxy.loseReplyTo('"o-2"');
    const [published] = await Promise.all([subject.publish(event('o-2')), lost]);
    expect(published).toMatchObject({ duplicate: true, id: (await stored.of(partition))[1]?.entryId });
    await subject.publish(event('o-3'));
    expect(await stored.ids(partition)).toEqual(['o-1', 'o-2', 'o-3']);
  });

  test('leaves a caller who repeats the call with the first one’s entry', async () => {
    const client = new Redis(proxy.url, { maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
    try {
      const subject = publisher({ redis: client });
      await subject.publish(event('o-1'));
      const lost = proxy.loseReplyTo('"o-2"');
      const [error] = await Promise.all([failureOf(subject.publish(event('o-2'))), lost]);
      expect(error).toMatchObject({ code: 'STREAM_UNAVAILABLE', retryable: true });
      const repeated = await eventually(() => subject.publish(event('o-2')));
      expect(repeated).toMatchObject({ duplicate: true });
      expect(await stored.ids(partition)).toEqual(['o-1', 'o-2']);
    } finally {
      client.disconnect();
    }
  });
});

describe('order', () => {
  test('is kept, and nothing lost or doubled, while connections break again and again', async () => {
    const subject = publisher({ whenUnavailable: { waitMs: 30_000 } });
    await subject.open();
    const all = names(3_000);
    const results: Promise<unknown>[] = [];
    for (const [index, id] of all.entries()) {
      results.push(subject.publish(event(id)));
      if (index % 50 === 0) await new Promise(setImmediate);
      if (index % 300 === 150) {
        await results[index - 100];
        proxy.cut();
      }
    }
    await Promise.all(results);
    expect(await stored.ids(partition)).toEqual(all);
  });

  test('is kept when Redis forgets its scripts', async () => {
    const redis = await startTestRedis();
    const own = new StoredEvents(redis.url);
    const subject = createPublisher({ redis: redis.url, prefix: own.prefix });
    try {
      const results: Promise<unknown>[] = [];
      for (const [index, id] of names(1_000).entries()) {
        results.push(subject.publish(event(id)));
        if (index % 100 === 50) await own.client.script('FLUSH');
      }
      await Promise.all(results);
      expect(await own.ids(partition)).toEqual(names(1_000));
    } finally {
      await subject.close();
      own.close();
      await redis.stop();
    }
  });
});

describe('while Redis is away', () => {
  test('fails fast by default, and works again when Redis is back', async () => {
    const subject = publisher();
    await subject.publish(event('o-1'));
    proxy.refuse();
    const first = await failureOf(subject.publish(event('o-2')));
    expect(first).toMatchObject({ code: 'STREAM_UNAVAILABLE', retryable: true, retryAfterMs: 1_000 });
    // Nothing but turns of the event loop lies between the call and its failure: no connection attempt, no time-out.
    for (const id of names(50)) {
      const outcome = await Promise.race([failureOf(subject.publish(event(id))), turns(10)]);
      expect(outcome).toMatchObject({ code: 'STREAM_UNAVAILABLE' });
    }
    proxy.resume();
    await eventually(() => subject.publish(event('o-3')));
    expect((await stored.ids(partition)).at(-1)).toBe('o-3');
  });

  test('fails a batch as a whole', async () => {
    const subject = publisher();
    await subject.open();
    proxy.refuse();
    const error = await failureOf(subject.publishBatch([event('a'), event('b', 'globex')]));
    expect(error).toMatchObject({ code: 'STREAM_UNAVAILABLE' });
  });

  test('fails before the installation was ever found', async () => {
    proxy.refuse();
    const subject = publisher();
    expect(await failureOf(subject.publish(event('o-1')))).toMatchObject({ code: 'STREAM_UNAVAILABLE' });
    expect(await failureOf(subject.open())).toMatchObject({ code: 'STREAM_UNAVAILABLE' });
    proxy.resume();
    await eventually(() => subject.publish(event('o-2')));
    expect(await stored.ids(partition)).toEqual(['o-2']);
  });

  test('fails what is queued together with what is under way, not one run after the other', async () => {
    const client = new Redis(proxy.url);
    client.on('error', () => undefined);
    try {
      const subject = publisher({ redis: client, commandTimeoutMs: 1_000 });
      await subject.open();
      proxy.stall();
      const tookMs = await elapsedMs(() =>
        Promise.all(names(2_000).map((id) => failureOf(subject.publish(event(id))))),
      );
      // 2,000 events are eight runs.
      expect(tookMs).toBeLessThan(5_000);
    } finally {
      client.disconnect();
    }
  });

  test('waits where asked to, and then sends in order', async () => {
    const subject = publisher({ whenUnavailable: { waitMs: 30_000 } });
    await subject.publish(event('first'));
    proxy.refuse();
    await eventually(() => proxy.connections === 0);
    const results = Promise.all(names(500).map((id) => subject.publish(event(id))));
    proxy.resume();
    expect(await results).toHaveLength(500);
    expect(await stored.ids(partition)).toEqual(['first', ...names(500)]);
  });

  test('waits before the installation was ever found, too', async () => {
    proxy.refuse();
    const subject = publisher({ whenUnavailable: { waitMs: 30_000 } });
    const results = Promise.all(names(300).map((id) => subject.publish(event(id))));
    proxy.resume();
    await results;
    expect(await stored.ids(partition)).toEqual(names(300));
  });

  test('waits no longer than asked to', async () => {
    const subject = publisher({ whenUnavailable: { waitMs: 300 } });
    await subject.open();
    proxy.refuse();
    const tookMs = await elapsedMs(async () => {
      const failures = await Promise.all(names(300).map((id) => failureOf(subject.publish(event(id)))));
      expect(failures[299]).toMatchObject({ code: 'STREAM_UNAVAILABLE' });
    });
    expect(tookMs).toBeGreaterThan(290);
    expect(tookMs).toBeLessThan(10_000);
  });

  test('gives up on a Redis that is silent, and replaces the connection', async () => {
    const subject = publisher({ commandTimeoutMs: 150 });
    await subject.publish(event('o-1'));
    proxy.stall();
    expect(await failureOf(subject.publish(event('o-2')))).toMatchObject({ code: 'STREAM_UNAVAILABLE' });
    proxy.resume();
    const published = await eventually(() => subject.publish(event('o-3')));
    expect(published.duplicate).toBe(false);
    expect((await stored.ids(partition)).filter((id) => id === 'o-2').length).toBeLessThan(2);
  });
});

describe('close while Redis is away', () => {
  test('rejects what could not be sent within its deadline', async () => {
    const subject = publisher({ whenUnavailable: { waitMs: 60_000 }, closeTimeoutMs: 100 });
    await subject.open();
    proxy.refuse();
    const failures = names(300).map((id) => failureOf(subject.publish(event(id))));
    expect(await elapsedMs(() => subject.close())).toBeLessThan(10_000);
    expect(await failures[0]).toMatchObject({ code: 'PUBLISHER_CLOSED' });
    expect(await failures[299]).toMatchObject({ code: 'PUBLISHER_CLOSED' });
  });

  test('rejects what is under way to a silent Redis', async () => {
    const subject = publisher({ commandTimeoutMs: 60_000, closeTimeoutMs: 100 });
    await subject.open();
    proxy.stall();
    const failure = failureOf(subject.publish(event('o-1')));
    await subject.close();
    expect(await failure).toMatchObject({ code: 'PUBLISHER_CLOSED' });
  });
});

describe('a Redis that changed meanwhile', () => {
  test('and is empty is begun anew, under another epoch', async () => {
    const redis = await startTestRedis();
    const own = new StoredEvents(redis.url);
    const subject = createPublisher({ redis: redis.url, prefix: own.prefix });
    try {
      const before = await subject.publish(event('o-1'));
      await own.client.flushall();
      const after = await subject.publish(event('o-1'));
      expect(after.duplicate).toBe(false);
      expect(after.cursor.split('.')[0]).not.toBe(before.cursor.split('.')[0]);
      expect(await own.client.hget(own.keys.installation, 'partitions')).toBe('8');
    } finally {
      await subject.close();
      own.close();
      await redis.stop();
    }
  });

  test('and has another partition count is refused, for events are routed already', async () => {
    const subject = publisher();
    await subject.publish(event('o-1'));
    await stored.client.hset(stored.keys.installation, 'partitions', 5);
    proxy.cut();
    const error = await eventually(async () => {
      const failure = await failureOf(subject.publish(event('o-2')));
      return (failure as { code?: string } | null)?.code === 'PARTITION_COUNT_MISMATCH' && failure;
    });
    expect(error).toMatchObject({ configured: 8, installed: 5 });
  });

  test('and is out of memory refuses with a hint, also a publisher that begins now', async () => {
    const redis = await startTestRedis();
    const own = new StoredEvents(redis.url);
    const made = [0, 1].map(() => createPublisher({ redis: redis.url, prefix: own.prefix }));
    const [first, second] = made as [Publisher, Publisher];
    try {
      await first.publish(event('o-1'));
      await own.client.config('SET', 'maxmemory', '1');
      for (const subject of [first, second]) {
        expect(await failureOf(subject.publish(event('o-2')))).toMatchObject({
          code: 'BACKLOG_FULL',
          reason: 'memory',
          retryAfterMs: 5_000,
        });
      }
      await own.client.config('SET', 'maxmemory', '0');
      expect(await second.publish(event('o-2'))).toMatchObject({ duplicate: false });
      expect(await own.ids(partition)).toEqual(['o-1', 'o-2']);
    } finally {
      await Promise.all(made.map((each) => each.close()));
      own.close();
      await redis.stop();
    }
  });

  test('tells the owner of the connection what went wrong with it', async () => {
    const errors: Error[] = [];
    const subject = publisher({ onConnectionError: (error) => errors.push(error) });
    await subject.open();
    proxy.refuse();
    await eventually(() => errors.length > 0);
    expect(errors[0]?.message).toEqual(expect.any(String));
  });
});
