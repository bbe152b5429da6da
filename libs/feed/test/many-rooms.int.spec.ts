import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ENTRY_ID_ZERO, type EntryId, roomOf } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { FencedError, PausedError, StaleBatchError } from '@rejoin/streams';
import { FeedWriter, testRedis, uniquePrefix } from '@rejoin/testing';
import { FanOut, type FanOutItem, MAX_ROOM_WRITES, RoomHistory, readReplayPage } from '../src/index.ts';

/** Of the last step: KEYS that are no rooms. */
const FIXED_KEYS = 20;
const WINDOW = { windowMs: 60_000, maxPerRoom: 100 };

let client: RedisClient;
let all: Keyspace;
let keys: PartitionKeys;
let writer: FeedWriter;
let before: EntryId;

beforeAll(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
});
afterAll(() => disconnect(client));
beforeEach(async () => {
  all = keyspace(uniquePrefix());
  keys = all.partition(0);
  writer = await FeedWriter.open(client, keys);
  [before] = (await writer.write([{ id: 'before', rooms: [room(0), room(1_999)] }])) as [EntryId];
});

const room = (user: number): string => roomOf('acme', { kind: 'user', id: String(user) });
const rooms = (count: number): string[] => Array.from({ length: count }, (_, user) => room(user));
const indexOf = (name: string): Promise<string[]> => client.lrange(keys.room(name), 0, -1);
const feed = async (): Promise<string[]> => (await client.xrange(keys.feed, '-', '+')).map(([id]) => id);

async function append(count: number, id = 'wide'): Promise<FanOutItem> {
  const [item] = await writer.append([{ id, rooms: rooms(count) }]);
  return item as FanOutItem;
}

/** Fan-out that is told of each script that it runs, with its number of keys, before it does. */
function observed(onScript: (keyCount: number) => unknown): FanOut {
  const client_ = new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'call') return value.bind(target);
      return async (...args: [string, string, number]) => {
        // Redis may have to be told the source, then the script is sent twice.
        if (args[0] === 'EVALSHA') await onScript(args[2]);
        return value.apply(target, args);
      };
    },
  });
  return new FanOut(client_, keys, WINDOW);
}

/** Fan-out of a worker that dies after so many scripts. */
function dying(scripts: number): FanOut {
  let left = scripts;
  return observed(() => {
    if (left-- <= 0) throw new Error('the worker died');
  });
}

const replayOf = (name: string) =>
  readReplayPage(client, keys, [{ room: name, since: ENTRY_ID_ZERO }], ENTRY_ID_ZERO, {
    maxEntries: 99,
    maxBytes: 9e6,
  });
const idsIn = async (name: string): Promise<string[]> => (await replayOf(name)).entries.map(({ entryId }) => entryId);

describe('an event for many rooms', () => {
  it.each([257, 512, 513, 2_000])(
    'is written to all of %d, in steps none of which holds Redis for long',
    async (count) => {
      const item = await append(count);
      const steps: number[] = [];
      const run = observed((keyCount) => steps.push(keyCount)).run(writer.token, before, [item]);
      expect(await run).toEqual({ delivered: 1, duplicates: 0, dead: 0, parked: 0 });
      expect(steps).toHaveLength(Math.ceil(count / MAX_ROOM_WRITES));
      for (const keyCount of steps) expect(keyCount).toBeLessThanOrEqual(MAX_ROOM_WRITES + FIXED_KEYS);
      for (const index of await Promise.all(rooms(count).map(indexOf))) expect(index.at(-1)).toBe(item.entryId);
      expect(await feed()).toEqual([before, item.entryId]);
      expect(await client.get(keys.done)).toBe(item.entryId);
      expect(await client.exists(keys.ahead)).toBe(0);
    },
  );

  it('is seen nowhere until it is seen everywhere', async () => {
    const item = await append(2_000);
    const history = new RoomHistory(client, all, 1);
    const seen: unknown[] = [];
    await observed(async () => {
      for (const user of [0, 1_999]) {
        seen.push(await replayOf(room(user)));
        const page = { limit: 9, typePrefix: '' };
        seen.push((await history.page('acme', { kind: 'user', id: String(user) }, page)).entries);
      }
    }).run(writer.token, before, [item]);
    expect(seen).toHaveLength(8 * 4);
    for (const each of seen) {
      if (Array.isArray(each)) expect(each).toMatchObject([{ entryId: before }]);
      else expect(each).toMatchObject({ entries: [{ entryId: before }], upTo: before, missing: 0, complete: true });
    }
    for (const user of [0, 1_999]) expect(await idsIn(room(user))).toEqual([before, item.entryId]);
  });

  it.each([1, 2, 4, 7])(
    'whose worker dies after step %d is taken back as a whole, whatever becomes of it then',
    async (steps) => {
      const item = await append(2_000);
      await expect(dying(steps).run(writer.token, before, [item])).rejects.toThrow('the worker died');
      expect(await indexOf(room(0))).toHaveLength(2);
      const heir = new FanOut(client, keys, WINDOW);
      await client.set(keys.lease, '2-heir');
      await heir.takeBack('2-heir');
      expect(await client.exists(keys.ahead)).toBe(0);
      // Rooms that hold nothing else are not left behind.
      expect(await client.exists(...rooms(1_999).slice(1).map(keys.room))).toBe(0);
      const { entryId } = item;
      await heir.run('2-heir', before, [{ kind: 'dead', entryId, code: 'INVALID_EVENT', record: '{}', failedAtMs: 1 }]);
      const [later] = await writer.append([{ id: 'later', rooms: [room(0)] }]);
      await heir.run('2-heir', entryId, [later as FanOutItem]);
      expect(await replayOf(room(0))).toMatchObject({ missing: 0, complete: true });
      expect(await idsIn(room(0))).toEqual([before, later?.entryId]);
    },
  );

  it('may go to other rooms after its worker died, and to no others than those', async () => {
    const item = await append(2_000);
    await expect(dying(7).run(writer.token, before, [item])).rejects.toThrow('the worker died');
    const heir = new FanOut(client, keys, WINDOW);
    await heir.takeBack(writer.token);
    const others = rooms(2_000).slice(1_000);
    await heir.run(writer.token, before, [{ ...item, rooms: others } as FanOutItem]);
    expect(await idsIn(room(0))).toEqual([before]);
    for (const index of await Promise.all(rooms(999).map(indexOf))) expect(index).not.toContain(item.entryId);
    for (const ids of await Promise.all(others.map(idsIn))) expect(ids).toContain(item.entryId);
  });

  it('is refused at any step by a lease that is another’s, and by a pause', async () => {
    const item = await append(2_000);
    for (const [key, value, error] of [
      [keys.lease, '2-other', FencedError],
      [keys.paused, '{}', PausedError],
    ] as const) {
      let steps = 0;
      const overtaken = observed(() => (++steps === 3 ? client.set(key, value) : undefined));
      await expect(overtaken.run(writer.token, before, [item])).rejects.toThrow(error);
      await client.set(keys.lease, writer.token);
      await client.del(keys.paused);
      await new FanOut(client, keys, WINDOW).takeBack(writer.token);
    }
    expect(await indexOf(room(0))).toEqual([before]);
    expect(await feed()).toEqual([before]);
  });

  it('of an earlier session that comes late is noticed before anything else is handled', async () => {
    const item = await append(300);
    const fanOut = new FanOut(client, keys, WINDOW);
    await fanOut.takeBack(writer.token);
    await expect(dying(1).run(writer.token, before, [item])).rejects.toThrow('the worker died');
    const { entryId } = item;
    const dead: FanOutItem = { kind: 'dead', entryId, code: 'INVALID_EVENT', record: '{}', failedAtMs: 1 };
    await expect(fanOut.run(writer.token, before, [item])).rejects.toThrow(StaleBatchError);
    await expect(fanOut.run(writer.token, before, [dead])).rejects.toThrow(StaleBatchError);
    await fanOut.takeBack(writer.token);
    expect(await fanOut.run(writer.token, before, [dead])).toMatchObject({ dead: 1 });
    expect(await indexOf(room(0))).toEqual([before]);
  });

  it('is written nowhere where it is a duplicate, and becomes none between its steps', async () => {
    const first = await append(2_000);
    let steps = 0;
    // As a publisher does that repeats its call, for an event that was appended past it.
    const other = `${Date.now() + 1_000}-0`;
    await observed(async () => {
      if (++steps === 3) await client.hsetnx(keys.seen, (first as { digest: string }).digest, other);
    }).run(writer.token, before, [first]);
    expect(await idsIn(room(0))).toEqual([before, first.entryId]);
    const repeated = await append(2_000);
    const result = await new FanOut(client, keys, WINDOW).run(writer.token, first.entryId, [repeated]);
    expect(result).toEqual({ delivered: 0, duplicates: 1, dead: 0, parked: 0 });
    expect(await indexOf(room(0))).toEqual([before, first.entryId]);
    expect(await replayOf(room(0))).toMatchObject({ missing: 0 });
  });

  it.each([
    ['before the feed', '-xadd', false],
    ['behind it', '-incrby', true],
  ])('whose last step fails half-way, %s, is completed by the next run', async (_, rule, isFed) => {
    const user = uniquePrefix();
    await client.call('ACL', 'SETUSER', user, 'on', '>secret', '~*', '+@all', rule);
    const restricted = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
    try {
      await restricted.call('AUTH', user, 'secret');
      const item = await append(600);
      const failing = new FanOut(restricted, keys, WINDOW).run(writer.token, before, [item]);
      await expect(failing).rejects.toThrow(/can't run this command|has no permissions to run/);
      const fanOut = new FanOut(client, keys, WINDOW);
      await fanOut.takeBack(writer.token);
      // What is seen already stays.
      expect(await idsIn(room(0))).toEqual(isFed ? [before, item.entryId] : [before]);
      await fanOut.run(writer.token, before, [item]);
      for (const index of await Promise.all(rooms(600).map(indexOf))) {
        expect(index.filter((id) => id === item.entryId)).toHaveLength(1);
      }
      expect(await feed()).toEqual([before, item.entryId]);
    } finally {
      disconnect(restricted);
      await client.call('ACL', 'DELUSER', user);
    }
  });
});
