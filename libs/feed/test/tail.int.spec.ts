import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntryId } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, keyspace, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { eventually, FeedWriter, TcpProxy, testRedis, uniquePrefix } from '@rejoin/testing';
import { FeedTail, type HoleReason } from '../src/index.ts';

let client: RedisClient;
let keyring: Keyspace;
let keys: PartitionKeys;
let writer: FeedWriter;
let tails: FeedTail[];

beforeAll(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
});
afterAll(() => disconnect(client));
beforeEach(async () => {
  tails = [];
  keyring = keyspace(uniquePrefix());
  keys = keyring.partition(1);
  writer = await FeedWriter.open(client, keys);
});
afterEach(() => Promise.all(tails.map((tail) => tail.stop())));

async function follow(url = testRedis()) {
  const received: EntryId[] = [];
  const holes: HoleReason[] = [];
  const errors: Error[] = [];
  const tail = new FeedTail({
    client,
    connectBlocking: () => connect({ url, use: 'blocking', name: 'test-tail', onError: () => undefined }),
    keys: keyring,
    partitions: [0, 1, 2],
    blockMs: 100,
    listener: {
      onEntries: (partition, entries) => {
        expect(partition).toBe(1);
        received.push(...entries.map(({ entryId }) => entryId));
      },
      onHole: (_partition, reason) => holes.push(reason),
      onError: (error) => errors.push(error),
    },
  });
  await tail.start();
  tails.push(tail);
  return { tail, received, holes, errors };
}
const events = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `e${i}`, rooms: ['acme:tenant'] }));

describe('the tail', () => {
  it('brings every entry after its start, in order, with its fields', async () => {
    await writer.write([{ id: 'before', rooms: ['acme:tenant'] }]);
    const { tail, received, holes } = await follow();
    const written = await writer.write(events(600));
    await eventually(() => expect(received).toEqual(written));
    expect(tail.position(1)).toBe(written.at(-1));
    expect(tail.ready).toBe(true);
    expect(holes).toEqual([]);
  });

  it('reports a hole where an entry’s predecessor is not the one before it', async () => {
    const { received, holes } = await follow();
    const [first] = await writer.write(events(1));
    await eventually(() => expect(received).toEqual([first]));
    // Removed before the tail saw it, as trimming below a slow tail does.
    const items = await writer.take([
      { id: 'x', rooms: ['acme:tenant'] },
      { id: 'y', rooms: ['acme:tenant'] },
    ]);
    const [x, y] = items.map(({ entryId }) => entryId) as [string, string];
    await client.xadd(keys.feed, y, 'route', `${x} acme t acme:tenant`, 'event', '{}');
    await eventually(() => expect(holes).toEqual(['predecessor']));
    expect(received).toEqual([first]);
  });

  it('reports a feed that lost what the tail stands on, and gives the partition a new epoch', async () => {
    const { tail, received, holes } = await follow();
    await writer.write(events(3));
    await eventually(() => expect(received).toHaveLength(3));
    const epoch = tail.epoch(1);
    await client.del(keys.feed, keys.events);
    await tail.verify(1);
    expect(holes).toEqual(['history']);
    expect(tail.epoch(1)).not.toBe(epoch);
    expect(await client.get(keys.epoch)).toBe(tail.epoch(1));
    expect(tail.position(1)).toBe('0-0');
  });

  it('goes on where it was after its connection was cut', async () => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      const { tail, received, holes, errors } = await follow(proxy.url);
      const before = await writer.write(events(5));
      await eventually(() => expect(received).toEqual(before));
      proxy.cut();
      const during = await writer.write([{ id: 'during', rooms: ['acme:tenant'] }]);
      await eventually(() => expect(received).toEqual([...before, ...during]));
      expect(errors.length).toBeGreaterThan(0);
      expect(holes).toEqual([]);
      await eventually(() => expect(tail.ready).toBe(true));
    } finally {
      await proxy.stop();
    }
  });

  it('replaces a connection that stays silent beyond its block time', async () => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      const { received, errors } = await follow(proxy.url);
      const before = await writer.write(events(1));
      await eventually(() => expect(received).toEqual(before));
      proxy.stall('replies');
      const during = await writer.write([{ id: 'during', rooms: ['acme:tenant'] }]);
      await eventually(() => expect(errors.length).toBeGreaterThan(0), { timeoutMs: 10_000 });
      proxy.resume();
      await eventually(() => expect(received).toEqual([...before, ...during]), { timeoutMs: 10_000 });
    } finally {
      await proxy.stop();
    }
  }, 30_000);
});
