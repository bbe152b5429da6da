import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { FeedWriter, testRedis, uniquePrefix } from '@rejoin/testing';
import fc from 'fast-check';
import { type ReplayBounds, readReplayPage } from '../src/index.ts';

let client: RedisClient;
let keys: PartitionKeys;
let writer: FeedWriter;

beforeAll(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
});
afterAll(() => disconnect(client));
beforeEach(async () => {
  keys = keyspace(uniquePrefix()).partition(0);
  writer = await FeedWriter.open(client, keys, { maxPerRoom: 200 });
});

async function replayAll(rooms: readonly string[], after: EntryId, bounds: ReplayBounds) {
  const ids: EntryId[] = [];
  let position = after;
  for (let pages = 1; ; pages++) {
    const page = await readReplayPage(
      client,
      keys,
      rooms.map((room) => ({ room, since: '0-0' })),
      position,
      bounds,
    );
    ids.push(...page.entries.map(({ entryId }) => entryId));
    if (page.complete) return { ids, pages, position: page.upTo };
    expect(compareEntryIds(page.upTo, position)).toBeGreaterThan(0);
    position = page.upTo;
  }
}

describe('replay', () => {
  it('pages a sparse and a dense room together without losing what the dense one holds beyond its page', async () => {
    const events = Array.from({ length: 400 }, (_, i) => ({
      id: `e${i}`,
      rooms: i % 199 === 0 ? ['acme:dense', 'acme:sparse'] : ['acme:dense'],
    }));
    keys = keyspace(uniquePrefix()).partition(0);
    writer = await FeedWriter.open(client, keys);
    const written = await writer.write(events);
    const { ids } = await replayAll(['acme:sparse', 'acme:dense'], '0-0', { maxEntries: 10, maxBytes: 1e6 });
    expect(ids).toEqual(written);
  });

  it('reads only what comes after the position, and ends at the feed’s last entry', async () => {
    const written = await writer.write([
      { id: 'a', rooms: ['acme:x'] },
      { id: 'b', rooms: ['acme:x'] },
      { id: 'c', rooms: ['acme:other'] },
    ]);
    const { ids, position } = await replayAll(['acme:x'], written[0] as string, { maxEntries: 10, maxBytes: 1e6 });
    expect(ids).toEqual([written[1]]);
    expect(position).toBe(written[2]);
  });

  it('ends a page at its byte bound, with at least one entry', async () => {
    const events = Array.from({ length: 5 }, (_, i) => ({ id: `e${i}`, rooms: ['acme:x'], data: 'x'.repeat(1_000) }));
    const written = await writer.write(events);
    const { ids, pages } = await replayAll(['acme:x'], '0-0', { maxEntries: 100, maxBytes: 1 });
    expect(ids).toEqual(written);
    expect(pages).toBeGreaterThanOrEqual(5);
  });

  it('counts entries that the index names and the feed has lost', async () => {
    const written = await writer.write([
      { id: 'a', rooms: ['acme:x'] },
      { id: 'b', rooms: ['acme:x'] },
    ]);
    await client.xdel(keys.feed, written[0] as string);
    const page = await readReplayPage(client, keys, [{ room: 'acme:x', since: '0-0' }], '0-0', {
      maxEntries: 10,
      maxBytes: 1e6,
    });
    expect(page.entries.map(({ entryId }) => entryId)).toEqual([written[1]]);
    expect(page).toMatchObject({ missing: 1, complete: true, upTo: written[1] });
  });

  it('tells of what the size bound cut from a room after the position, whenever that was', async () => {
    const write = (count: number) =>
      writer.write(Array.from({ length: count }, () => ({ id: uniquePrefix(), rooms: ['acme:x'] })));
    const bounds = { maxEntries: 10, maxBytes: 1e6 };
    const written = await write(200);
    const after = written[100] as string;
    const page = (position: string, since = '0-0') =>
      readReplayPage(client, keys, [{ room: 'acme:x', since }], position, bounds);
    expect((await page(after)).cut).toBeNull();
    const more = await write(150);
    const { cut, entries } = await page(after);
    const all = [...written, ...more];
    expect(all.indexOf(cut as string)).toBeGreaterThan(100);
    expect(entries[0]?.entryId).toBe(all[all.indexOf(cut as string) + 1]);
    expect((await page(cut as string)).cut).toBeNull();
    expect((await page(after, cut as string)).cut).toBeNull();
  });

  it('leaves to the tail what a half-finished fan-out has in an index but not in the feed', async () => {
    const written = await writer.write([{ id: 'a', rooms: ['acme:x'] }]);
    await client.rpush(keys.room('acme:x'), '99999999999999-0');
    const { ids, position } = await replayAll(['acme:x'], '0-0', { maxEntries: 10, maxBytes: 1e6 });
    expect(ids).toEqual(written);
    expect(position).toBe(written[0]);
  });

  it('reads a room only after the position from which the client may see it', async () => {
    const written = await writer.write([
      { id: 'a', rooms: ['acme:watched'] },
      { id: 'b', rooms: ['acme:watched'] },
    ]);
    const page = await readReplayPage(client, keys, [{ room: 'acme:watched', since: written[0] as string }], '0-0', {
      maxEntries: 10,
      maxBytes: 1e6,
    });
    expect(page.entries.map(({ entryId }) => entryId)).toEqual([written[1]]);
  });

  it('replays exactly the union of the rooms, in order, whatever the sizes, positions and cuts', async () => {
    const rooms = ['acme:r0', 'acme:r1', 'acme:r2', 'acme:r3'];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(fc.constantFrom(...rooms), { minLength: 1 }), { minLength: 1, maxLength: 120 }),
        fc.uniqueArray(fc.constantFrom(...rooms), { minLength: 1 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat({ max: 119 }),
        async (plan, mine, maxEntries, behind) => {
          const fresh = keyspace(uniquePrefix()).partition(0);
          keys = fresh;
          const each = await FeedWriter.open(client, fresh, { maxPerRoom: 150 });
          const written = await each.write(plan.map((names, i) => ({ id: `e${i}`, rooms: names })));
          const from = Math.min(behind, written.length - 1);
          const after = written[from] as string;
          const expected = written.filter((_, i) => i > from && plan[i]?.some((room) => mine.includes(room)));
          const { ids } = await replayAll(mine, after, { maxEntries, maxBytes: 1e6 });
          expect(ids).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});
