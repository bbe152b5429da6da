import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseCursor, partitionOf } from '@rejoin/protocol';
import { createPublisher, type Publisher, type PublisherOptions } from '@rejoin/publisher';
import { connect, disconnect } from '@rejoin/redis';
import { startTestRedis, testRedis, uniquePrefix } from '@rejoin/testing';
import { StoredEvents } from './stored-events.ts';

const PARTITIONS = 8;
const event = (id: string, tenantid = 'acme') => ({ id, tenantid, source: '/orders', type: 'order.paid' });
const names = (count: number, first = 0) => Array.from({ length: count }, (_, index) => `e-${first + index}`);
const partition = partitionOf('acme', PARTITIONS);
/** A tenant in another partition than `acme`. */
const ELSEWHERE = 'globex';

let stored: StoredEvents;
let open: Publisher[];
const publisher = (options: Partial<PublisherOptions> = {}) => {
  const made = createPublisher({ redis: testRedis(), prefix: stored.prefix, ...options });
  open.push(made);
  return made;
};
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

beforeEach(() => {
  stored = new StoredEvents(testRedis());
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
  stored.close();
});

describe('publish', () => {
  test('appends to the partition of the tenant and answers where the event is', async () => {
    const published = await publisher().publish({ ...event('o-1'), data: { amount: 5 } });
    const entries = await stored.of(partition);
    expect(entries).toHaveLength(1);
    expect(entries[0]?.event).toMatchObject({ specversion: '1.0', id: 'o-1', data: { amount: 5 } });
    expect(published).toMatchObject({ id: entries[0]?.entryId, eventId: 'o-1', partition, duplicate: false });
    expect(parseCursor(published.cursor)).toEqual({
      epoch: await stored.client.get(stored.keys.partition(partition).epoch),
      partition,
      entryId: published.id,
    });
  });

  test('uses the installation’s partition count, and refuses a configured one that differs', async () => {
    await stored.client.hset(stored.keys.installation, 'partitions', 3);
    expect((await publisher().publish(event('o-1'))).partition).toBe(partitionOf('acme', 3));
    const error = await failureOf(publisher({ partitions: 8 }).publish(event('o-2')));
    expect(error).toMatchObject({ code: 'PARTITION_COUNT_MISMATCH' });
  });

  test('answers with the epoch of the moment', async () => {
    const subject = publisher();
    await subject.publish(event('o-1'));
    await stored.client.set(stored.keys.partition(partition).epoch, 'E-new');
    expect(parseCursor((await subject.publish(event('o-2'))).cursor)?.epoch).toBe('E-new');
  });

  test('keeps the order of the calls, and puts events of one turn into few scripts', async () => {
    const redis = await startTestRedis();
    const own = new StoredEvents(redis.url);
    const subject = createPublisher({ redis: redis.url, prefix: own.prefix });
    const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await own.client.info('commandstats'))?.[1]);
    try {
      await subject.publish(event('first'));
      const before = await scripts();
      const published = await Promise.all(names(2_000).map((id) => subject.publish(event(id))));
      const entries = (await own.of(partition)).slice(1);
      expect(entries.map((entry) => entry.event.id)).toEqual(names(2_000));
      expect(entries.map((entry) => entry.entryId)).toEqual(published.map(({ id }) => id));
      expect((await scripts()) - before).toBe(Math.ceil(2_000 / 512));
    } finally {
      await subject.close();
      own.close();
      await redis.stop();
    }
  });

  test('keeps the order while calls come in at any time', async () => {
    const subject = publisher();
    const results: Promise<unknown>[] = [];
    for (const id of names(300)) {
      results.push(subject.publish(event(id)));
      if (Math.random() < 0.2) await Promise.resolve();
      if (Math.random() < 0.1) await new Promise(setImmediate);
      if (Math.random() < 0.05) await results.at(-1);
    }
    await Promise.all(results);
    expect(await stored.ids(partition)).toEqual(names(300));
  });

  test('sends at most about 1 MB in one script, and a single event of any allowed size', async () => {
    const subject = publisher();
    const data = 'x'.repeat(60_000);
    await Promise.all(names(40).map((id) => subject.publish({ ...event(id), data })));
    expect(await stored.ids(partition)).toEqual(names(40));
  });

  test('sends nothing of an event that is invalid or too large', async () => {
    const subject = publisher();
    expect(await failureOf(subject.publish({ ...event('o-1'), type: 'a b' }))).toMatchObject({
      code: 'INVALID_EVENT',
      problems: [{ path: 'type' }],
    });
    const large = await failureOf(subject.publish({ ...event('o-2'), data: 'x'.repeat(65_536) }));
    expect(large).toMatchObject({ code: 'EVENT_TOO_LARGE', maxBytes: 65_536 });
    await subject.publish(event('o-3'));
    expect(await stored.ids(partition)).toEqual(['o-3']);
  });
});

describe('duplicates', () => {
  test('are recognised within one turn and later, by source and id within the tenant', async () => {
    const subject = publisher();
    const [first, same] = await Promise.all([subject.publish(event('o-1')), subject.publish(event('o-1'))]);
    expect(first).toMatchObject({ duplicate: false });
    expect(same).toEqual({ ...first, duplicate: true });
    expect(await publisher().publish(event('o-1'))).toEqual({ ...first, duplicate: true });
    expect(await subject.publish({ ...event('o-1'), source: '/invoices' })).toMatchObject({ duplicate: false });
    expect(await stored.ids(partition)).toEqual(['o-1', 'o-1']);
  });

  test('of another tenant’s event are none, in the same partition too', async () => {
    const neighbour = names(1_000, 1).find((name) => partitionOf(name, PARTITIONS) === partition) as string;
    const subject = publisher();
    await subject.publish(event('o-1'));
    expect(await subject.publish(event('o-1', neighbour))).toMatchObject({ partition, duplicate: false });
    expect(await subject.publish(event('o-1', ELSEWHERE))).toMatchObject({ duplicate: false });
  });
});

describe('publishBatch', () => {
  test('answers one result for each event, in their order, over several partitions', async () => {
    const events = names(1_000).map((id, index) => event(id, `tenant-${index % 17}`));
    const results = await publisher().publishBatch(events);
    expect(results.map(({ eventId }) => eventId)).toEqual(names(1_000));
    for (let each = 0; each < PARTITIONS; each++) {
      const expected = events.filter(({ tenantid }) => partitionOf(tenantid, PARTITIONS) === each);
      expect(await stored.ids(each)).toEqual(expected.map(({ id }) => id));
    }
  });

  test('of nothing is nothing', async () => {
    expect(await publisher().publishBatch([])).toEqual([]);
  });

  test('sends nothing where one event is bad', async () => {
    const subject = publisher();
    await subject.open();
    const bad = { ...event('o-2'), tenantid: '' };
    expect(await failureOf(subject.publishBatch([event('o-1'), bad]))).toMatchObject({
      code: 'INVALID_EVENT',
      problems: [{ path: '[1].tenantid' }],
    });
    expect(await stored.client.exists(stored.keys.partition(partition).events)).toBe(0);
  });

  test('reports what was accepted where one partition refuses, and repeating it completes it', async () => {
    const subject = publisher();
    await subject.open();
    await stored.client.set(stored.keys.partition(partition).full, 'test');
    const events = [event('a-1'), event('g-1', ELSEWHERE), event('a-2'), event('g-2', ELSEWHERE)];
    const error = await failureOf(subject.publishBatch(events));
    expect(error).toMatchObject({ code: 'BATCH_INCOMPLETE', accepted: 2, cause: { code: 'BACKLOG_FULL' } });
    expect((error as { results: { status: string }[] }).results.map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    await stored.client.del(stored.keys.partition(partition).full);
    const repeated = await subject.publishBatch(events);
    expect(repeated.map(({ duplicate }) => duplicate)).toEqual([false, true, false, true]);
  });

  test('fails as publish does where nothing was accepted', async () => {
    const subject = publisher();
    await subject.open();
    await stored.client.set(stored.keys.partition(partition).full, 'test');
    const error = await failureOf(subject.publishBatch([event('a-1'), event('a-2')]));
    expect(error).toMatchObject({ code: 'BACKLOG_FULL', reason: 'memory' });
  });

  test('sends no later event of a tenant after an earlier one was refused', async () => {
    const subject = publisher({ maxBacklog: 600 });
    await subject.publishBatch(names(100, 1_000).map((id) => event(id)));
    // 512 + 88: the first run exceeds the limit, the second alone would not.
    const error = await failureOf(subject.publishBatch(names(600).map((id) => event(id))));
    expect(error).toMatchObject({ code: 'BACKLOG_FULL', reason: 'backlog' });
    expect(await stored.ids(partition)).toEqual(names(100, 1_000));
  });
});

describe('a full partition', () => {
  test('refuses beyond maxBacklog, with a hint when to come back, and leaves other partitions alone', async () => {
    const subject = publisher({ maxBacklog: 2 });
    await Promise.all([subject.publish(event('a-1')), subject.publish(event('a-2'))]);
    const [refused, other] = await Promise.allSettled([
      subject.publish(event('a-3')),
      subject.publish(event('g-1', ELSEWHERE)),
    ]);
    expect(refused).toMatchObject({
      reason: { code: 'BACKLOG_FULL', reason: 'backlog', partition, retryAfterMs: 1_000 },
    });
    expect(other).toMatchObject({ value: { duplicate: false } });
    await stored.client.set(stored.keys.partition(partition).handled, 1);
    expect(await subject.publish(event('a-3'))).toMatchObject({ duplicate: false });
  });

  test('does not make the publisher wait, whatever it does while Redis is away', async () => {
    const subject = publisher({ maxBacklog: 1, whenUnavailable: { waitMs: 60_000 } });
    await subject.publish(event('a-1'));
    expect(await failureOf(subject.publish(event('a-2')))).toMatchObject({ code: 'BACKLOG_FULL' });
  });
});

describe('the queue', () => {
  test.each([
    ['events', { maxQueuedEvents: 3 }],
    ['bytes', { maxQueuedBytes: 400 }],
  ])('is bounded in %s, and has room again once events are settled', async (_, bound) => {
    const subject = publisher(bound);
    const settled = await Promise.allSettled(names(6).map((id) => subject.publish(event(id))));
    expect(settled.map(({ status }) => status)).toEqual([
      ...Array<string>(3).fill('fulfilled'),
      ...Array<string>(3).fill('rejected'),
    ]);
    expect(settled[3]).toMatchObject({ reason: { code: 'PUBLISHER_OVERLOADED', retryAfterMs: 1_000 } });
    await subject.publish(event('e-3'));
    expect(await stored.ids(partition)).toEqual(names(4));
  });

  test('refuses a batch that has no room as a whole', async () => {
    const subject = publisher({ maxQueuedEvents: 3 });
    const error = await failureOf(subject.publishBatch(names(4).map((id) => event(id))));
    expect(error).toMatchObject({ code: 'PUBLISHER_OVERLOADED' });
    await subject.publishBatch(names(3).map((id) => event(id)));
    expect(await stored.ids(partition)).toEqual(names(3));
  });
});

describe('close', () => {
  test('flushes what was accepted and refuses what comes later', async () => {
    const subject = publisher();
    const accepted = Promise.all(names(600).map((id) => subject.publish(event(id))));
    const closed = subject.close();
    expect(subject.close()).toBe(closed);
    expect(await failureOf(subject.publish(event('late')))).toMatchObject({ code: 'PUBLISHER_CLOSED' });
    await closed;
    expect(await accepted).toHaveLength(600);
    expect(await stored.ids(partition)).toEqual(names(600));
  });

  test('of a publisher that never published comes at once', async () => {
    await expect(publisher().close()).resolves.toBeUndefined();
  });

  test('leaves a client alone that it was given', async () => {
    const client = connect({ url: testRedis(), use: 'commands', name: 'given', onError: () => undefined });
    try {
      const subject = publisher({ redis: client });
      await subject.publish(event('o-1'));
      await subject.close();
      expect(await client.ping()).toBe('PONG');
      expect(client.listenerCount('close')).toBe(0);
    } finally {
      disconnect(client);
    }
  });
});

test.each([
  { prefix: 'a{b}' },
  { maxBacklog: 0 },
  { whenUnavailable: { waitMs: Number.NaN } },
  { commandTimeoutMs: -1 },
])('refuses options that make no sense: %p', (options) => {
  expect(() => createPublisher({ redis: testRedis(), ...options })).toThrow(RangeError);
});

test('two publishers of one event store it once', async () => {
  const [one, other] = [publisher(), publisher()];
  await Promise.all([one.open(), other.open()]);
  const results = await Promise.all(names(200).flatMap((id) => [one.publish(event(id)), other.publish(event(id))]));
  expect(results.filter(({ duplicate }) => duplicate)).toHaveLength(200);
  expect([...(await stored.ids(partition))].sort()).toEqual([...names(200)].sort());
});

test('prefixes keep installations apart', async () => {
  const other = uniquePrefix();
  await publisher().publish(event('o-1'));
  await publisher({ prefix: other }).publish(event('o-1'));
  expect(await stored.ids(partition)).toEqual(['o-1']);
});
