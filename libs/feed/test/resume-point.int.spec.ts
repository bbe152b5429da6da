import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Cursor, type EntryId, formatCursor, parseCursor } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { FeedWriter, testRedis, uniquePrefix } from '@rejoin/testing';
import { HistoryCheck, judgeCursor, readResumePoint } from '../src/index.ts';

const DAY_MS = 86_400_000;
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
  writer = await FeedWriter.open(client, keys, { maxPerRoom: 10 });
  await client.set(keys.epoch, 'e1');
});

async function judge(cursor: Cursor | null, windowMs = DAY_MS) {
  const point = await readResumePoint(client, keys, cursor?.entryId ?? null, [{ room: ROOM, since: '0-0' }]);
  return judgeCursor(cursor, 0, point, windowMs);
}
const at = (entryId: EntryId, epoch = 'e1', partition = 0): Cursor => ({ epoch, partition, entryId });
const write = (count: number) =>
  writer.write(Array.from({ length: count }, (_, i) => ({ id: `${uniquePrefix()}${i}`, rooms: [ROOM] })));

describe('judging a cursor', () => {
  it('finds no gap behind an entry that exists', async () => {
    const [first] = await write(3);
    expect(await judge(at(first as string))).toEqual({ after: first, oldest: first, gap: null });
  });

  it('finds no gap on an empty feed, nor at the beginning of one that was never trimmed', async () => {
    expect((await judge(at('0-0'))).gap).toBeNull();
    await write(2);
    expect((await judge(at('0-0'))).gap).toBeNull();
  });

  it('finds no gap behind an event that is accepted but not yet fanned out', async () => {
    const [item] = await writer.take([{ id: 'a', rooms: [ROOM] }]);
    expect((await judge(at(item?.entryId as string))).gap).toBeNull();
  });

  it('reports a cursor below the floor, and replays from the floor', async () => {
    const ids = await write(3);
    await client.set(keys.floor, ids[1] as string);
    await client.xtrim(keys.feed, 'MINID', ids[2] as string);
    expect(await judge(at(ids[0] as string))).toEqual({ after: ids[1], oldest: ids[1], gap: 'window' });
    expect((await judge(at(ids[1] as string))).gap).toBeNull();
  });

  it('reports a cursor whose next entry is older than the window', async () => {
    const old = `${Number((await client.time())[0]) * 1_000 - 2 * DAY_MS}-0`;
    const aged = keyspace(uniquePrefix()).partition(0);
    await client.set(aged.epoch, 'e1');
    await client.xadd(aged.feed, old, 'route', '0-0 acme x acme:tenant', 'event', '{}');
    const point = await readResumePoint(client, aged, '0-0', []);
    expect(judgeCursor(at('0-0'), 0, point, DAY_MS).gap).toBe('window');
    // Standing on the last entry, however old, nothing can have been missed.
    const last = await readResumePoint(client, aged, old, []);
    expect(judgeCursor(at(old), 0, last, DAY_MS).gap).toBeNull();
  });

  it('goes on within a feed that is older than the window as a whole: what is fanned out late still comes', async () => {
    const nowMs = Number((await client.time())[0]) * 1_000;
    const event = (id: string) => [{ id, rooms: [ROOM] }];
    const [first] = (await writer.write(event('first'), nowMs - 3 * DAY_MS)) as [EntryId];
    const [last] = (await writer.write(event('last'), nowMs - 2 * DAY_MS)) as [EntryId];
    const [late] = await writer.append(event('late'), nowMs - 1.5 * DAY_MS);
    expect(await judge(at(first))).toEqual({ after: last, oldest: last, gap: 'window' });
    await writer.fanOut(late ? [late] : []);
    // The client, which got nothing, comes again from there: it has no gap, and no other position than one that exists.
    expect(await judge(at(last), 2 * DAY_MS)).toEqual({ after: last, oldest: last, gap: null });
  });

  it('reports another epoch, another partition, and what cannot be read', async () => {
    const [first] = await write(2);
    expect((await judge(at(first as string, 'other'))).gap).toBe('epoch');
    expect((await judge(at(first as string, 'e1', 5))).gap).toBe('partition');
    expect(await judge(null)).toEqual({ after: '0-0', oldest: '0-0', gap: 'unreadable' });
  });

  it('reports a cursor beyond everything published, and goes on from the feed’s end', async () => {
    const ids = await write(2);
    expect(await judge(at('99999999999999-0'))).toEqual({ after: ids[1], oldest: ids[1], gap: 'ahead' });
  });

  it('reports a cursor whose entry exists nowhere', async () => {
    const ids = await write(3);
    await client.xdel(keys.feed, ids[1] as string);
    await client.xdel(keys.events, ids[1] as string);
    expect((await judge(at(ids[1] as string))).gap).toBe('unknown_entry');
  });

  it('reports a room whose index was cut behind the cursor', async () => {
    const ids = await write(30);
    const cut = (await client.lindex(keys.room(ROOM), 0))?.slice(1);
    expect(await judge(at(ids[0] as string))).toEqual({ after: ids[0], oldest: cut, gap: 'room_limit' });
    expect((await judge(at(cut as string))).gap).toBeNull();
  });
});

describe('the history check', () => {
  it('keeps the epoch while the entry that is held exists, or was trimmed', async () => {
    const ids = await write(2);
    const check = new HistoryCheck(client, keys);
    expect(await check.verify(ids[1], 'e1')).toEqual({ intact: true, epoch: 'e1', feedLast: ids[1] });
    await client.set(keys.floor, ids[0] as string);
    await client.xtrim(keys.feed, 'MINID', ids[1] as string);
    await client.xtrim(keys.events, 'MINID', ids[1] as string);
    expect((await check.verify(ids[0], 'e1')).intact).toBe(true);
  });

  it('changes the epoch once, however many processes find the same loss', async () => {
    const ids = await write(3);
    const held = ids[2] as string;
    await client.xdel(keys.feed, held);
    await client.xdel(keys.events, held);
    const found = await Promise.all([1, 2, 3].map(() => new HistoryCheck(client, keys).verify(held, 'e1')));
    expect(found.every(({ intact }) => !intact)).toBe(true);
    const epochs = new Set(found.map(({ epoch }) => epoch));
    expect(epochs.size).toBe(1);
    expect(epochs.has('e1')).toBe(false);
    const cursor = parseCursor(formatCursor(at(ids[0] as string)));
    expect((await judge(cursor)).gap).toBe('epoch');
  });

  it('gives a partition without an epoch one', async () => {
    await client.del(keys.epoch);
    const { epoch } = await new HistoryCheck(client, keys).verify();
    expect(epoch).not.toBe('');
    expect(await client.get(keys.epoch)).toBe(epoch);
  });
});
