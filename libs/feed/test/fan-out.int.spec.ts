import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, disconnect, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { deadLetterFingerprint, deadLetterRecord, FencedError, PausedError, StaleBatchError } from '@rejoin/streams';
import { FeedWriter, testRedis, uniquePrefix } from '@rejoin/testing';
import { FanOut, type FanOutItem, FeedAheadError, readReplayPage } from '../src/index.ts';

const ROOM = 'acme:tenant';

let client: RedisClient;
let keys: PartitionKeys;
let writer: FeedWriter;

beforeAll(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
});
afterAll(() => disconnect(client));
beforeEach(async () => {
  keys = keyspace(uniquePrefix()).partition(0);
  writer = await FeedWriter.open(client, keys);
});

const feedIds = async (): Promise<string[]> => (await client.xrange(keys.feed, '-', '+')).map(([id]) => id);
const roomIds = (room: string): Promise<string[]> => client.lrange(keys.room(room), 0, -1);
const pending = async (): Promise<number> => ((await client.xpending(keys.events, 'bridge')) as [number])[0];

describe('fan-out', () => {
  it('appends to the feed under the entry ID of the event, with its predecessor, and to every room', async () => {
    const [first, second] = await writer.write([
      { id: 'a', rooms: [ROOM, 'acme:user%3A1'] },
      { id: 'b', rooms: [ROOM] },
    ]);
    const entries = await client.xrange(keys.feed, '-', '+');
    expect(entries.map(([id]) => id)).toEqual([first, second]);
    expect(entries[0]?.[1].slice(0, 2)).toEqual(['route', `0-0 acme order.paid ${ROOM} acme:user%3A1`]);
    expect(entries[1]?.[1].slice(0, 2)).toEqual(['route', `${first} acme order.paid ${ROOM}`]);
    expect(await roomIds(ROOM)).toEqual([first, second]);
    expect(await roomIds('acme:user%3A1')).toEqual([first]);
    expect(await client.get(keys.done)).toBe(second);
    expect(await pending()).toBe(0);
    expect(await client.get(keys.handled)).toBe('2');
  });

  it('refuses a token that is not the lease’s, and writes nothing', async () => {
    const items = await writer.take([{ id: 'a', rooms: [ROOM] }]);
    await client.set(keys.lease, '2-other');
    await expect(writer.fanOut(items)).rejects.toThrow(FencedError);
    expect(await feedIds()).toEqual([]);
    expect(await pending()).toBe(1);
  });

  it('refuses a batch that leaves out an earlier entry, as after a lost reply', async () => {
    const lost = await writer.take([{ id: 'lost', rooms: [ROOM] }]);
    const later = await writer.take([{ id: 'later', rooms: [ROOM] }]);
    await expect(writer.fanOut(later)).rejects.toThrow(StaleBatchError);
    expect(await feedIds()).toEqual([]);
    await writer.fanOut([...lost, ...later]);
    expect(await feedIds()).toEqual([...lost, ...later].map(({ entryId }) => entryId));
  });

  it('refuses a batch that was fanned out already', async () => {
    const items = await writer.take([{ id: 'a', rooms: [ROOM] }]);
    await writer.fanOut(items);
    await expect(writer.fanOut(items)).rejects.toThrow(StaleBatchError);
    expect(await feedIds()).toHaveLength(1);
  });

  it('refuses a batch whose items are not ascending', async () => {
    const items = await writer.take([
      { id: 'a', rooms: [ROOM] },
      { id: 'b', rooms: [ROOM] },
    ]);
    const fanOut = new FanOut(client, keys, { windowMs: 1_000, maxPerRoom: 10 });
    await expect(fanOut.run(writer.token, writer.before(items), items.toReversed())).rejects.toThrow(StaleBatchError);
    expect(await feedIds()).toEqual([]);
  });

  it('does nothing in a paused partition', async () => {
    const items = await writer.take([{ id: 'a', rooms: [ROOM] }]);
    await client.set(keys.paused, '{}');
    await expect(writer.fanOut(items)).rejects.toThrow(PausedError);
    expect(await feedIds()).toEqual([]);
    await client.del(keys.paused);
    await writer.fanOut(items);
    expect(await feedIds()).toHaveLength(1);
  });

  it('moves the consumer group with it, whose lag stays exact, whether the entries were taken or not', async () => {
    const group = async () => {
      const [flat] = (await client.xinfo('GROUPS', keys.events)) as [(string | number)[]];
      const value = (name: string) => flat[flat.indexOf(name) + 1];
      return { delivered: value('last-delivered-id'), lag: value('lag'), pending: value('pending') };
    };
    const items: FanOutItem[] = [];
    for (const id of ['a', 'b', 'c', 'd']) items.push(...(await writer.append([{ id, rooms: [ROOM] }])));
    await client.xreadgroup('GROUP', 'bridge', 'x', 'COUNT', 2, 'STREAMS', keys.events, '>');
    expect(await group()).toEqual({ delivered: items[1]?.entryId, lag: 2, pending: 2 });
    await writer.fanOut(items.slice(0, 1));
    expect(await group()).toEqual({ delivered: items[1]?.entryId, lag: 2, pending: 1 });
    await writer.fanOut(items.slice(1, 3));
    expect(await group()).toEqual({ delivered: items[2]?.entryId, lag: 1, pending: 0 });
    await writer.fanOut(items.slice(3));
    expect(await group()).toEqual({ delivered: items[3]?.entryId, lag: 0, pending: 0 });
  });

  it('drops a repeated source and id, and keeps the same one of another tenant', async () => {
    const result = await writer.fanOut(
      await writer.take([
        { id: 'same', rooms: [ROOM] },
        { id: 'same', rooms: [ROOM] },
        { id: 'same', tenant: 'globex', rooms: ['globex:tenant'] },
      ]),
    );
    expect(result).toEqual({ delivered: 2, duplicates: 1, dead: 0, parked: 0 });
    expect(await roomIds(ROOM)).toHaveLength(1);
    expect(await roomIds('globex:tenant')).toHaveLength(1);
  });

  it('completes a batch that an earlier run left half-way', async () => {
    const items = await writer.take([
      { id: 'a', rooms: [ROOM] },
      { id: 'b', rooms: [ROOM, 'acme:user%3A1'] },
    ]);
    const [a, b] = items.map(({ entryId }) => entryId) as [string, string];
    // What a run leaves that ended between its writes: indexes whole, feed half, nothing acknowledged.
    await client.rpush(keys.room(ROOM), a, b);
    await client.rpush(keys.room('acme:user%3A1'), b);
    await client.xadd(keys.feed, a, 'route', `0-0 acme order.paid ${ROOM}`, 'event', '{}');
    await writer.fanOut(items);
    expect(await feedIds()).toEqual([a, b]);
    expect(await roomIds(ROOM)).toEqual([a, b]);
    expect(await roomIds('acme:user%3A1')).toEqual([b]);
    expect(await pending()).toBe(0);
  });

  it.each([
    ['an index', 'rpush', 0],
    ['the feed', 'xadd', 1],
  ])(
    'fails half-way, at %s: no replay passes over its entry, and the next run completes it',
    async (_, command, indexed) => {
      const user = uniquePrefix();
      await client.call('ACL', 'SETUSER', user, 'on', '>secret', '~*', '+@all', `-${command}`);
      const restricted = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
      try {
        await restricted.call('AUTH', user, 'secret');
        const [before] = await writer.write([{ id: 'before', rooms: [ROOM] }]);
        const items = await writer.take([{ id: 'a', rooms: [ROOM] }]);
        const fanOut = new FanOut(restricted, keys, { windowMs: 1_000, maxPerRoom: 10 });
        await expect(fanOut.run(writer.token, writer.before(items), items)).rejects.toThrow(
          /can't run this command|has no permissions to run/,
        );
        expect(await roomIds(ROOM)).toHaveLength(1 + indexed);
        const replay = () =>
          readReplayPage(client, keys, [{ room: ROOM, since: '0-0' }], before as string, {
            maxEntries: 9,
            maxBytes: 9,
          });
        expect(await replay()).toMatchObject({ entries: [], upTo: before, missing: 0, complete: true });
        await writer.fanOut(items);
        expect(await replay()).toMatchObject({ entries: [{ entryId: items[0]?.entryId }], missing: 0 });
        expect(await roomIds(ROOM)).toHaveLength(2);
        expect(await pending()).toBe(0);
      } finally {
        disconnect(restricted);
        await client.call('ACL', 'DELUSER', user);
      }
    },
  );

  it('fails behind a dead letter: the next run, which finds it at a later time, counts it once', async () => {
    const user = uniquePrefix();
    await client.call('ACL', 'SETUSER', user, 'on', '>secret', '~*', '+@all', '-incrby');
    const restricted = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
    try {
      await restricted.call('AUTH', user, 'secret');
      const items = await writer.take([{ id: 'bad', rooms: [ROOM] }]);
      const { entryId } = items[0] as NonNullable<(typeof items)[number]>;
      const dead = (failedAtMs: number): FanOutItem => {
        const [code, parsed] = ['INVALID_EVENT', { tenantid: 'acme', type: 'order.paid' }] as const;
        const record = deadLetterRecord({ entryId, event: '{}', parsed, code, message: 'bad', failedAtMs });
        return { kind: 'dead', entryId, code, record, failedAtMs };
      };
      const fanOut = new FanOut(restricted, keys, { windowMs: 1_000, maxPerRoom: 10 });
      await expect(fanOut.run(writer.token, writer.before(items), [dead(5)])).rejects.toThrow(
        /can't run this command|has no permissions to run/,
      );
      expect(await client.zcard(keys.deadIndex)).toBe(1);
      await writer.fanOut([dead(70)]);
      const label = `acme order.paid INVALID_EVENT ${deadLetterFingerprint('INVALID_EVENT', 'bad')}`;
      expect(await client.zrange(keys.deadOrder, '0', '-1', 'WITHSCORES')).toEqual([`${entryId} ${label}`, '70']);
      expect(await client.zrange(keys.deadIndex, '0', '-1')).toEqual([`${label} 0000000000000070 ${entryId}`]);
    } finally {
      disconnect(restricted);
      await client.call('ACL', 'DELUSER', user);
    }
  });

  it('writes nothing at all where one of its writes would fail', async () => {
    const items = await writer.take([{ id: 'a', rooms: [ROOM, 'acme:broken'] }]);
    await client.set(keys.room('acme:broken'), 'not a list');
    await expect(writer.fanOut(items)).rejects.toThrow(/WRONGTYPE/);
    expect(await feedIds()).toEqual([]);
    expect(await roomIds(ROOM)).toEqual([]);
    expect(await pending()).toBe(1);
    await client.del(keys.room('acme:broken'));
    await writer.fanOut(items);
    expect(await feedIds()).toHaveLength(1);
  });

  it('refuses to lose an entry behind a feed that is ahead of it', async () => {
    const items = await writer.take([{ id: 'a', rooms: [ROOM] }]);
    await client.xadd(keys.feed, '99999999999999-0', 'route', '0-0');
    await expect(writer.fanOut(items)).rejects.toThrow(FeedAheadError);
    expect(await pending()).toBe(1);
  });

  it('cuts an index to its bound and leaves the mark of what it cut', async () => {
    keys = keyspace(uniquePrefix()).partition(1);
    writer = await FeedWriter.open(client, keys, { maxPerRoom: 20 });
    const ids = await writer.write(Array.from({ length: 50 }, (_, i) => ({ id: `e${i}`, rooms: [ROOM] })));
    const index = await roomIds(ROOM);
    expect(index[0]?.startsWith('~')).toBe(true);
    const kept = index.slice(1);
    expect(kept.length).toBeGreaterThanOrEqual(20);
    expect(kept.length).toBeLessThanOrEqual(22);
    expect(kept).toEqual(ids.slice(-kept.length));
    expect(index[0]).toBe(`~${ids[ids.length - kept.length - 1]}`);
  });

  it('dead-letters in the same step, in its place', async () => {
    const [good, bad] = await writer.take([
      { id: 'good', rooms: [ROOM] },
      { id: 'bad', rooms: [ROOM] },
    ]);
    const entryId = bad?.entryId as string;
    const parsed = { tenantid: 'acme', type: 'order.paid' };
    const code = 'INVALID_EVENT';
    const record = deadLetterRecord({ entryId, event: '{}', parsed, code, message: 'bad', failedAtMs: 5 });
    const result = await writer.fanOut([
      good as NonNullable<typeof good>,
      { kind: 'dead', entryId, code: 'INVALID_EVENT', record, failedAtMs: 5 },
    ]);
    expect(result).toEqual({ delivered: 1, duplicates: 0, dead: 1, parked: 0 });
    expect(await client.hget(keys.dead, entryId)).toBe(record);
    const label = `acme order.paid INVALID_EVENT ${deadLetterFingerprint(code, 'bad')}`;
    expect(await client.zrange(keys.deadOrder, '0', '-1', 'WITHSCORES')).toEqual([`${entryId} ${label}`, '5']);
    expect(await client.zrange(keys.deadIndex, '0', '-1')).toEqual([`${label} 0000000000000005 ${entryId}`]);
    expect(await client.get(keys.done)).toBe(entryId);
    expect(await pending()).toBe(0);
  });

  it('counts the bytes of the feed as the reference says', async () => {
    await writer.write([{ id: 'ü', rooms: [ROOM] }]);
    const [, fields] = (await client.xrange(keys.feed, '-', '+'))[0] as [string, string[]];
    const texts = ['route', 'event'].map((name) => fields[fields.indexOf(name) + 1] as string);
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 64);
    expect(Number(await client.get(keys.feedBytes))).toBe(bytes);
  });

  it('leaves a room index to expire after the window', async () => {
    const fanOut = new FanOut(client, keys, { windowMs: 1_000, maxPerRoom: 10 });
    const items = await writer.take([{ id: 'a', rooms: [ROOM] }]);
    await fanOut.run(writer.token, writer.before(items), items);
    const ttl = await client.pttl(keys.room(ROOM));
    expect(ttl).toBeGreaterThan(3_500_000);
    expect(ttl).toBeLessThanOrEqual(3_601_000);
  });
});
