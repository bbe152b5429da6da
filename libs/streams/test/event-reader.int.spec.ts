import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import { disconnect } from '@rejoin/redis';
import { TcpProxy, testRedis } from '@rejoin/testing';
import { type EntryPage, EventReader, withMissing } from '../src/index.ts';
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
    for (let round = 0; round < 2; round++) {
      expect(await reader.start()).toEqual({ position: '0-0', delivered: '0-0', missing: [] });
    }
    expect(await partition.client.xinfo('GROUPS', partition.keys.events)).toHaveLength(1);
    expect(await reader.read('0-0')).toEqual({ entries: [], position: '0-0', more: false });
  });

  test('that vanished is made again from what was handled: nothing is skipped, nothing handled comes again', async () => {
    const [a, b] = await partition.append('a', 'b', 'c');
    await reader.start();
    await partition.handle(a as string, b as string);
    await partition.client.xgroup('DESTROY', partition.keys.events, 'bridge');
    await expect(reader.take(1)).rejects.toThrow(/^NOGROUP/);
    await partition.append('d');
    const { position, delivered } = await reader.start();
    expect([position, delivered]).toEqual([b, b]);
    expect(texts(await reader.read(position))).toEqual(['c', 'd']);
    expect(await reader.take(9)).toBe(2);
  });

  test('of a stream that vanished takes new entries, even where the clock was set back meanwhile', async () => {
    const { client, keys } = partition;
    const ahead = `${Date.now() + 3_600_000}-0`;
    await client.set(keys.done, ahead);
    await client.xadd(keys.feed, `${Date.now() + 7_200_000}-5`, 'event', 'x');
    await client.set(keys.handled, 100);
    const { position } = await reader.start();
    const [id] = await partition.append('a');
    expect(compareEntryIds(id as string, `${Date.now() + 7_000_000}-0`)).toBeGreaterThan(0);
    expect(texts(await reader.read(position))).toEqual(['a']);
    expect(await client.get(keys.handled)).toBeNull();
  });

  test('of somebody else on the same stream is left alone', async () => {
    await partition.append('a');
    await partition.client.xgroup('CREATE', partition.keys.events, 'archive', '0');
    await reader.start();
    expect(await reader.take(9)).toBe(1);
    expect(await partition.client.xinfo('GROUPS', partition.keys.events)).toHaveLength(2);
  });
});

describe('reading', () => {
  beforeEach(() => reader.start());

  test('goes on behind the last page, in order, and changes nothing', async () => {
    const appended = await partition.append(...Array.from({ length: 70 }, (_, index) => `e${index}`));
    const small = new EventReader(partition.client, partition.keys, partition.token, { maxEntries: 30 });
    for (let round = 0; round < 2; round++) {
      const pages: EntryPage[] = [await small.read('0-0')];
      for (let page = pages[0]; page?.more; pages.push(page)) page = await small.read(page.position);
      expect(pages.flatMap(ids)).toEqual(appended);
      expect(pages.map(({ more }) => more)).toEqual([true, true, false]);
      expect(pages.map(({ position }) => position)).toEqual([appended[29], appended[59], appended[69]]);
    }
    expect(await small.read(appended[69] as string)).toEqual({ entries: [], position: appended[69], more: false });
    expect(await partition.client.xpending(partition.keys.events, 'bridge')).toEqual([0, null, null, null]);
  });

  test('asks for so many entries as its byte bound lets expect, and never for none', async () => {
    const appended = await partition.append(...Array.from({ length: 120 }, () => 'x'.repeat(10_000)));
    const bounded = new EventReader(partition.client, partition.keys, partition.token, { maxBytes: 200_000 });
    let page = await bounded.read('0-0');
    const all = [...ids(page)];
    expect(all.length).toBeLessThanOrEqual(64);
    while (page.more) {
      page = await bounded.read(page.position);
      expect(page.entries.length).toBeLessThanOrEqual(20);
      all.push(...ids(page));
    }
    expect(all).toEqual(appended);
    const least = new EventReader(partition.client, partition.keys, partition.token, { maxBytes: 1 });
    await least.read('0-0');
    expect((await least.read('0-0')).entries).toHaveLength(1);
  });

  test('brings the field `event` wherever it stands, and all fields of an entry without it', async () => {
    const { client, keys } = partition;
    await client.xadd(keys.events, '*', 'trace', 't', 'event', 'a', 'event', 'again');
    await client.xadd(keys.events, '*', 'evnt', 'b', 'x', 'y');
    await client.xadd(keys.events, '*', 'event', '');
    const { entries } = await reader.read('0-0');
    expect(entries.map(({ content }) => content)).toEqual([
      { kind: 'event', text: 'a' },
      { kind: 'fields', fields: ['evnt', 'b', 'x', 'y'] },
      { kind: 'event', text: '' },
    ]);
  });

  test('tells the exact bytes of an event', async () => {
    const bytes = Buffer.from([0x22, 0xff, 0xfe, 0x00, 0x22]);
    const id = (await partition.client.xadd(partition.keys.events, '*', 'other', 'x', 'event', bytes)) as string;
    expect(texts(await reader.read('0-0'))[0]).toContain('\ufffd');
    expect(await reader.eventBytes(id)).toEqual(bytes);
    expect(await reader.eventBytes('1-1')).toBeNull();
  });

  test('is not disturbed by a reply that was lost', async () => {
    const appended = await partition.append('a', 'b', 'c');
    const proxy = await TcpProxy.start(testRedis());
    const proxied = testClient(proxy.url);
    try {
      await proxied.ping();
      const distant = new EventReader(proxied, partition.keys, partition.token, { maxEntries: 2 });
      const lost = proxy.loseReplyTo('\r\nxread\r\n');
      // The client sends it again by itself.
      const page = await distant.read('0-0');
      await lost;
      expect(ids(page)).toEqual(appended.slice(0, 2));
    } finally {
      disconnect(proxied);
      await proxy.stop();
    }
  });
});

describe('the pending entries list', () => {
  beforeEach(() => reader.start());

  test('shows what was taken, of which as much was in hand before', async () => {
    const appended = await partition.append(...Array.from({ length: 25 }, (_, index) => `e${index}`));
    expect(await reader.take(20)).toBe(20);
    await partition.handle(...appended.slice(0, 5));
    expect(await reader.start()).toEqual({ position: appended[4], delivered: appended[19], missing: [] });
    expect(await reader.take(20)).toBe(5);
    expect(ids(await reader.read(appended[4] as string))).toEqual(appended.slice(5));
  });

  test('of whoever took them names entries whose payload is gone, for their places in a page', async () => {
    const { client, keys } = partition;
    const [a, b, c, d] = (await partition.append('a', 'b', 'c', 'd')) as [string, string, string, string];
    await client.xreadgroup('GROUP', 'bridge', 'operator', 'COUNT', 4, 'STREAMS', keys.events, '>');
    await client.xdel(keys.events, b, d);
    const { missing } = await reader.start();
    expect(missing).toEqual([b, d]);
    const whole = withMissing(await reader.read('0-0'), missing, '0-0');
    expect([texts(whole), ids(whole), whole.position]).toEqual([['a', 'missing', 'c', 'missing'], [a, b, c, d], d]);
    const small = new EventReader(client, keys, partition.token, { maxEntries: 1 });
    const first = withMissing(await small.read('0-0'), missing, '0-0');
    expect([ids(first), first.position]).toEqual([[a], a]);
    const second = withMissing(await small.read(a), missing, a);
    expect([ids(second), second.position]).toEqual([[b, c], c]);
    const last = withMissing(await small.read(c), missing, c);
    expect([ids(last), last.position]).toEqual([[d], d]);
  });
});
