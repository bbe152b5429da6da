import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import { disconnect } from '@rejoin/redis';
import { TcpProxy, testRedis } from '@rejoin/testing';
import { type EntryPage, EventReader } from '../src/index.ts';
import { TestPartition, testClient } from './test-partition.ts';

let partition: TestPartition;
let reader: EventReader;
beforeEach(async () => {
  partition = await TestPartition.open();
  reader = new EventReader(partition.client, partition.keys, partition.token);
});
afterEach(() => partition.close());

function texts({ entries }: EntryPage): string[] {
  return entries.map(({ content }) => (content.kind === 'event' ? content.text : content.kind));
}

function ids({ entries }: EntryPage): EntryId[] {
  return entries.map(({ entryId }) => entryId);
}

describe('the consumer group', () => {
  test('is made with the stream, and found when it is there', async () => {
    await reader.ensureGroup();
    await reader.ensureGroup();
    expect(await partition.client.xinfo('GROUPS', partition.keys.events)).toHaveLength(1);
    expect(await reader.take()).toEqual({ entries: [], position: '0-0', more: false, pending: 0 });
  });

  test('takes what was appended before it was made', async () => {
    await partition.append('a', 'b');
    await reader.ensureGroup();
    expect(texts(await reader.take())).toEqual(['a', 'b']);
  });

  test('that vanished is made again from what was handled: nothing is skipped, nothing handled comes again', async () => {
    const [a, b] = await partition.append('a', 'b', 'c');
    await reader.ensureGroup();
    await reader.take();
    await partition.handle(a as string, b as string);
    await partition.client.xgroup('DESTROY', partition.keys.events, 'bridge');
    await expect(reader.take()).rejects.toThrow(/^NOGROUP/);
    await expect(reader.pending('0-0')).rejects.toThrow(/^NOGROUP/);
    await partition.append('d');
    await reader.ensureGroup();
    expect(texts(await reader.take())).toEqual(['c', 'd']);
  });

  test('of a stream that vanished takes new entries, even where the clock was set back meanwhile', async () => {
    const { client, keys } = partition;
    const ahead = `${Date.now() + 3_600_000}-0`;
    await client.set(keys.done, ahead);
    await client.xadd(keys.feed, `${Date.now() + 7_200_000}-5`, 'event', 'x');
    await client.set(keys.handled, 100);
    await reader.ensureGroup();
    const [id] = await partition.append('a');
    expect(compareEntryIds(id as string, `${Date.now() + 7_000_000}-0`)).toBeGreaterThan(0);
    expect(texts(await reader.take())).toEqual(['a']);
    expect(await client.get(keys.handled)).toBeNull();
  });

  test('of somebody else on the same stream is left alone', async () => {
    await partition.append('a');
    await partition.client.xgroup('CREATE', partition.keys.events, 'archive', '0');
    await reader.ensureGroup();
    expect(texts(await reader.take())).toEqual(['a']);
    expect(await partition.client.xinfo('GROUPS', partition.keys.events)).toHaveLength(2);
  });
});

describe('taking', () => {
  beforeEach(() => reader.ensureGroup());

  test('goes on behind the last page, in order', async () => {
    const appended = await partition.append(...Array.from({ length: 70 }, (_, index) => `e${index}`));
    const small = new EventReader(partition.client, partition.keys, partition.token, { maxEntries: 30 });
    const pages = [await small.take(), await small.take(), await small.take()];
    expect(pages.flatMap(ids)).toEqual(appended);
    expect(pages.map(({ more }) => more)).toEqual([true, true, false]);
    expect(pages.map(({ position }) => position)).toEqual([appended[29], appended[59], appended[69]]);
    const nothing = await small.take();
    expect(nothing).toEqual({ entries: [], position: appended[69], more: false, pending: 70 });
  });

  test('stops soon after its byte bound, and never at nothing', async () => {
    const appended = await partition.append(...Array.from({ length: 60 }, () => 'x'.repeat(10_000)));
    const bounded = new EventReader(partition.client, partition.keys, partition.token, { maxBytes: 200_000 });
    const first = await bounded.take();
    expect(first.entries.length).toBeGreaterThanOrEqual(16);
    expect(first.entries.length).toBeLessThanOrEqual(21);
    expect(first.more).toBe(true);
    const all = [...ids(first)];
    for (let page = first; page.more; ) {
      page = await bounded.take();
      all.push(...ids(page));
    }
    expect(all).toEqual(appended);
    await partition.append('x'.repeat(10_000));
    const least = new EventReader(partition.client, partition.keys, partition.token, { maxBytes: 1, maxEntries: 1 });
    expect((await least.take()).entries).toHaveLength(1);
  });

  test('brings the field `event` wherever it stands, and all fields of an entry without it', async () => {
    const { client, keys } = partition;
    await client.xadd(keys.events, '*', 'trace', 't', 'event', 'a', 'event', 'again');
    await client.xadd(keys.events, '*', 'evnt', 'b', 'x', 'y');
    await client.xadd(keys.events, '*', 'event', '');
    const { entries } = await reader.take();
    expect(entries.map(({ content }) => content)).toEqual([
      { kind: 'event', text: 'a' },
      { kind: 'fields', fields: ['evnt', 'b', 'x', 'y'] },
      { kind: 'event', text: '' },
    ]);
  });

  test('tells the exact bytes of an event', async () => {
    const bytes = Buffer.from([0x22, 0xff, 0xfe, 0x00, 0x22]);
    const id = (await partition.client.xadd(partition.keys.events, '*', 'other', 'x', 'event', bytes)) as string;
    expect(texts(await reader.take())[0]).toContain('\ufffd');
    expect(await reader.eventBytes(id)).toEqual(bytes);
    expect(await reader.eventBytes('1-1')).toBeNull();
  });
});

describe('the pending entries list', () => {
  beforeEach(() => reader.ensureGroup());

  test('is read in pages from its beginning, without changing it', async () => {
    const appended = await partition.append(...Array.from({ length: 25 }, (_, index) => `e${index}`));
    await reader.take();
    await partition.handle(...appended.slice(0, 5));
    const small = new EventReader(partition.client, partition.keys, partition.token, { maxEntries: 10 });
    for (let round = 0; round < 2; round++) {
      const first = await small.pending('0-0');
      const second = await small.pending(first.position);
      const third = await small.pending(second.position);
      expect([...ids(first), ...ids(second)]).toEqual(appended.slice(5));
      expect(third).toEqual({ entries: [], position: second.position, more: false, pending: 20 });
      expect(first.more).toBe(true);
    }
    const deliveries = await partition.client.xpending(partition.keys.events, 'bridge', '-', '+', 1);
    expect((deliveries as [string, string, number, number][])[0]?.[3]).toBe(1);
  });

  test('is bounded by bytes', async () => {
    const appended = await partition.append(...Array.from({ length: 5 }, () => 'x'.repeat(1_000)));
    await reader.take();
    const bounded = new EventReader(partition.client, partition.keys, partition.token, { maxBytes: 1_500 });
    const first = await bounded.pending('0-0');
    expect(ids(first)).toEqual(appended.slice(0, 2));
    expect(first.more).toBe(true);
  });

  test('shows what another consumer took, for it must be handled first, too', async () => {
    const appended = await partition.append('a', 'b');
    const { client, keys } = partition;
    await client.xreadgroup('GROUP', 'bridge', 'operator', 'COUNT', 1, 'STREAMS', keys.events, '>');
    await reader.take();
    expect(ids(await reader.pending('0-0'))).toEqual(appended);
  });

  test('names an entry whose payload is gone', async () => {
    const [, second] = await partition.append('a', 'b', 'c');
    await reader.take();
    await partition.client.xdel(partition.keys.events, second as string);
    const page = await reader.pending('0-0');
    expect(texts(page)).toEqual(['a', 'missing', 'c']);
    expect(ids(page)[1]).toBe(second);
  });

  test('holds what was taken by a script whose reply was lost', async () => {
    const appended = await partition.append('a', 'b', 'c');
    const proxy = await TcpProxy.start(testRedis());
    const proxied = testClient(proxy.url);
    try {
      await proxied.ping();
      const distant = new EventReader(proxied, partition.keys, partition.token, { maxEntries: 2 });
      // Only `take.lua` is told the consumer's name.
      const lost = proxy.loseReplyTo('$6\r\nworker\r\n');
      const page = await distant.take();
      await lost;
      // The client sent it again by itself: the first page is in nobody's hands.
      expect(ids(page)).toEqual(appended.slice(2));
      expect(page.pending).toBe(3);
      expect(ids(await reader.pending('0-0'))).toEqual(appended);
    } finally {
      disconnect(proxied);
      await proxy.stop();
    }
  });
});
