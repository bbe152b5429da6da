import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, disconnect, keyspace, type PartitionKeys } from '@rejoin/redis';
import { type AppendableEvent, appendEvents, BacklogFullError, StreamUnavailableError } from '@rejoin/streams';
import { startTestRedis, testRedis, uniquePrefix } from '@rejoin/testing';
import fc from 'fast-check';

const TEN_MINUTES_MS = 600_000;
const client = connect({ url: testRedis(), use: 'commands', name: 'append', onError: (error) => console.error(error) });
let keys: PartitionKeys;

beforeEach(async () => {
  keys = keyspace(uniquePrefix()).partition(3);
  await client.set(keys.epoch, 'E1');
});
afterAll(() => disconnect(client));

const event = (digest: string, json = `{"n":"${digest}"}`): AppendableEvent => ({ digest, json });
const append = (events: readonly AppendableEvent[], maxBacklog?: number) =>
  appendEvents(client, keys, events, maxBacklog);
const stored = async () => (await client.xrange(keys.events, '-', '+')).map(([id, fields]) => ({ id, fields }));
const redisNowMs = async () => {
  const [seconds, microseconds] = (await client.time()) as unknown as [string, string];
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
};

describe('append', () => {
  test('stores the events in their order, with the JSON as the one field', async () => {
    const appended = await append([event('a'), event('b'), event('c', '{"snow":"☃ \\u0000"}')]);
    expect(appended.epoch).toBe('E1');
    expect(appended.events.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    expect(await stored()).toEqual([
      { id: appended.events[0]?.entryId, fields: ['event', '{"n":"a"}'] },
      { id: appended.events[1]?.entryId, fields: ['event', '{"n":"b"}'] },
      { id: appended.events[2]?.entryId, fields: ['event', '{"snow":"☃ \\u0000"}'] },
    ]);
  });

  test('says where a partition has no epoch', async () => {
    await client.del(keys.epoch);
    expect((await append([event('a')])).epoch).toBeNull();
  });

  test('takes more events than Lua can unpack at once', async () => {
    const events = Array.from({ length: 9_001 }, (_, index) => event(`d-${index}`));
    const appended = await append(events);
    expect(new Set(appended.events.map(({ entryId }) => entryId)).size).toBe(9_001);
    expect(await client.xlen(keys.events)).toBe(9_001);
    expect(await client.hlen(keys.seen)).toBe(9_001);
    expect((await append(events)).events).toEqual(appended.events.map(({ entryId }) => ({ entryId, duplicate: true })));
  });
});

describe('duplicates', () => {
  test('are answered with the first one’s entry and not stored, within a call and in later calls', async () => {
    const first = await append([event('a'), event('b'), event('a')]);
    expect(first.events.map(({ duplicate }) => duplicate)).toEqual([false, false, true]);
    expect(first.events[2]?.entryId).toBe(first.events[0]?.entryId);
    const second = await append([event('b'), event('c')]);
    expect(second.events[0]).toEqual({ entryId: first.events[1]?.entryId, duplicate: true });
    expect(second.events[1]?.duplicate).toBe(false);
    expect((await stored()).map(({ fields }) => fields[1])).toEqual(['{"n":"a"}', '{"n":"b"}', '{"n":"c"}']);
  });

  test('are recognised in the generation before, where the younger generation wins', async () => {
    const now = await redisNowMs();
    await client.hset(keys.seenBefore, 'a', `${now - 1_000}-7`, 'b', `${now - 2_000}-0`);
    await client.hset(keys.seen, 'b', `${now - 500}-1`);
    expect((await append([event('a'), event('b')])).events).toEqual([
      { entryId: `${now - 1_000}-7`, duplicate: true },
      { entryId: `${now - 500}-1`, duplicate: true },
    ]);
    expect(await stored()).toEqual([]);
  });

  test('are forgotten ten minutes after the first, in either generation', async () => {
    const now = await redisNowMs();
    await client.hset(keys.seen, 'old', `${now - TEN_MINUTES_MS - 1}-0`, 'young', `${now - TEN_MINUTES_MS + 5_000}-0`);
    await client.hset(keys.seenBefore, 'older', `${now - 2 * TEN_MINUTES_MS}-0`);
    const { events } = await append([event('old'), event('young'), event('older')]);
    expect(events.map(({ duplicate }) => duplicate)).toEqual([false, true, false]);
    expect(await client.hget(keys.seen, 'old')).toBe(events[0]?.entryId);
  });

  test('are found through whatever else a digest may hold', async () => {
    await client.hset(keys.seen, 'a', 'not an entry ID', 'b', '', 'c', '5');
    const { events } = await append([event('a'), event('b'), event('c')]);
    expect(events.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
  });

  test('any sequence of calls stores each digest once, in the order of first appearance', async () => {
    const digest = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(digest, { maxLength: 8 }), { maxLength: 6 }), async (calls) => {
        keys = keyspace(uniquePrefix()).partition(0);
        const firstEntry = new Map<string, string>();
        for (const call of calls) {
          const { events } = await append(call.map((name) => event(name)));
          for (const [index, name] of call.entries()) {
            const { entryId, duplicate } = events[index] as (typeof events)[number];
            expect(duplicate).toBe(firstEntry.has(name));
            if (!duplicate) firstEntry.set(name, entryId);
            expect(entryId).toBe(firstEntry.get(name));
          }
        }
        expect((await stored()).map(({ id }) => id)).toEqual([...firstEntry.values()]);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a full partition', () => {
  const refusal = async (events: readonly AppendableEvent[], maxBacklog?: number) => {
    const before = await stored();
    const error = await append(events, maxBacklog).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(BacklogFullError);
    expect(await stored()).toEqual(before);
    return error as BacklogFullError;
  };

  test('refuses a call as a whole that would exceed the backlog limit, and takes one that reaches it', async () => {
    await append([event('a'), event('b')], 4);
    const error = await refusal([event('c'), event('d'), event('e')], 4);
    expect(error).toMatchObject({ code: 'BACKLOG_FULL', reason: 'backlog', partition: 3, retryAfterMs: 1_000 });
    await append([event('c'), event('d')], 4);
    await refusal([event('e')], 4);
  });

  test('does not count entries that are handled and only wait to be trimmed', async () => {
    await append([event('a'), event('b')], 2);
    await refusal([event('c')], 2);
    await client.set(keys.handled, 2);
    await append([event('c'), event('d')], 2);
    await refusal([event('e')], 2);
  });

  test('takes a handled count below zero, or one that is no number, for zero', async () => {
    await append([event('a')], 3);
    await client.set(keys.handled, '-5');
    await append([event('b')], 3);
    await client.set(keys.handled, 'x');
    await append([event('c')], 3);
    await refusal([event('d')], 3);
  });

  test('still answers duplicates, which need no room', async () => {
    const first = await append([event('a')], 1);
    const entryId = first.events[0]?.entryId;
    expect((await append([event('a')], 1)).events).toEqual([{ entryId, duplicate: true }]);
    await client.set(keys.full, 'memory');
    expect((await append([event('a')], 1)).events).toEqual([{ entryId, duplicate: true }]);
  });

  test('refuses while the mark is set that memory is short, and says what it says', async () => {
    await client.set(keys.full, '93% of maxmemory', 'PX', 60_000);
    const error = await refusal([event('a')]);
    expect(error).toMatchObject({ reason: 'memory', message: expect.stringContaining('93% of maxmemory') });
    await client.del(keys.full);
    await append([event('a')]);
  });

  test('refuses on a Redis that is out of memory, before anything is written', async () => {
    const redis = await startTestRedis();
    const full = connect({ url: redis.url, use: 'commands', name: 'full', onError: (error) => console.error(error) });
    try {
      await appendEvents(full, keys, [event('a')]);
      await full.config('SET', 'maxmemory', '1');
      const error = await appendEvents(full, keys, [event('b')]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(BacklogFullError);
      expect(error).toMatchObject({ code: 'BACKLOG_FULL', reason: 'memory', retryAfterMs: 5_000 });
      expect(await full.xlen(keys.events)).toBe(1);
      expect(await full.hlen(keys.seen)).toBe(1);
      await full.config('SET', 'maxmemory', '0');
      await appendEvents(full, keys, [event('b')]);
      expect(await full.xlen(keys.events)).toBe(2);
    } finally {
      disconnect(full);
      await redis.stop();
    }
  });
});

describe('a key of another type', () => {
  test.each(['events', 'seen', 'seenBefore', 'handled', 'full', 'epoch'] as const)(
    'as %s fails without having written anything, and is not worth repeating',
    async (name) => {
      const wrong = keys[name];
      await client.del(wrong);
      await client.sadd(wrong, 'x');
      const error = await append([event('a')]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StreamUnavailableError);
      expect(error).toMatchObject({ code: 'STREAM_UNAVAILABLE', retryable: false });
      const others = [keys.events, keys.seen].filter((key) => key !== wrong);
      expect(await client.exists(...others)).toBe(0);
    },
  );
});
