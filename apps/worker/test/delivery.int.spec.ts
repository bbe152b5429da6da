import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Appendable, expectDelivered, numbered, PARTITIONS, TENANT, TestInstallation } from './running-worker.ts';

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

async function lastId(ids: Promise<string[]>): Promise<string> {
  return (await ids).at(-1) as string;
}

describe('a worker', () => {
  test('brings what was and what is appended into the feed, in order, under the same entry IDs', async () => {
    const before = await installation.append(...numbered(1_200, 'before'));
    await installation.startWorker();
    const after = await installation.append(...numbered(300, 'after'));
    await installation.handled(after.at(-1) as string);
    const feed = await installation.feed();
    expectDelivered(feed, [...numbered(1_200, 'before'), ...numbered(300, 'after')]);
    expect(feed.map(({ entryId }) => entryId)).toEqual([...before, ...after]);
    expect(await installation.client.xpending(installation.home.events, 'bridge')).toEqual([0, null, null, null]);
  });

  test('keeps an index for each room of the audience', async () => {
    const { client, home } = installation;
    await installation.startWorker();
    const [first, second] = await installation.append(
      { id: '1', audience: 'user:u-1,role:staff' },
      { id: '2', audience: 'user:u-1' },
    );
    await installation.handled(second as string);
    expect(await client.lrange(home.room('acme:user%3Au-1'), 0, -1)).toEqual([first, second]);
    expect(await client.lrange(home.room('acme:role%3Astaff'), 0, -1)).toEqual([first]);
    expect((await installation.feed()).map(({ rooms }) => rooms)).toEqual([
      ['acme:user%3Au-1', 'acme:role%3Astaff'],
      ['acme:user%3Au-1'],
    ]);
  });

  test('works for every partition, each in its own order', async () => {
    await installation.startWorker();
    const tenants = Array.from({ length: PARTITIONS }, (_, partition) => installation.tenantOf(partition));
    const events = numbered(400).map((event, index) => ({ ...event, tenantid: tenants[index % PARTITIONS] as string }));
    const ids = await installation.append(...events);
    for (const [partition, tenant] of tenants.entries()) {
      const keys = installation.keys.partition(partition);
      await installation.handled(ids.at(partition - PARTITIONS) as string, keys);
      const feed = await installation.feed(keys);
      expect(feed).toHaveLength(400 / PARTITIONS);
      expectDelivered(
        feed,
        events.filter(({ tenantid }) => tenantid === tenant),
      );
    }
  });

  test('delivers an event once, however often its source and id are appended', async () => {
    const worker = await installation.startWorker();
    const events = [{ id: 'a' }, { id: 'b' }, { id: 'a' }, { id: 'a', source: 'another' }, { id: 'b' }];
    await installation.handled(await lastId(installation.append(...events)));
    expectDelivered(await installation.feed(), [{ id: 'a' }, { id: 'b' }, { id: 'a' }]);
    expect(worker.counters).toMatchObject({ delivered: 3, duplicates: 2, dead: 0 });
  });

  test('cuts large audiences into scripts that stay short', async () => {
    const worker = await installation.startWorker();
    const audience = Array.from({ length: 1_000 }, (_, index) => `user:${index}`).join();
    await installation.handled(await lastId(installation.append(...numbered(7, 'wide', { audience }))));
    expectDelivered(await installation.feed(), numbered(7, 'wide'));
    expect(worker.counters.batches).toBeGreaterThanOrEqual(4);
    expect(await installation.client.llen(installation.home.room('acme:user%3A999'))).toBe(7);
  });

  test('takes events of 64 KiB, many of them', async () => {
    await installation.startWorker();
    const events = numbered(150, 'large').map((event) => ({ ...event, data: 'x'.repeat(64 * 1024 - 200) }));
    await installation.handled(await lastId(installation.append(...events)));
    const feed = await installation.feed();
    expectDelivered(feed, events);
    expect(feed.at(-1)?.event.data).toHaveLength(64 * 1024 - 200);
  });
});

describe('a bad event (G7)', () => {
  const good = numbered(2, 'good');
  const deep = `{"specversion":"1.0","id":"x","source":"s","type":"t","tenantid":"${TENANT}","audience":"tenant","data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;

  const kinds: readonly (readonly [code: string, event: Appendable | null])[] = [
    ['INVALID_JSON', 'not json'],
    ['INVALID_EVENT', '{"specversion":"1.0"}'],
    ['INVALID_EVENT', { id: 'a\u0000' }],
    ['NOT_UTF8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['EVENT_TOO_LARGE', { data: 'x'.repeat(64 * 1024) }],
    ['EVENT_TOO_DEEP', deep],
    ['NO_AUDIENCE_RULE', { audience: undefined }],
    ['AUDIENCE_TEMPLATE', { audience: undefined, type: 'order.paid' }],
    ['WRONG_PARTITION', null],
    ['MISSING_EVENT_FIELD', null],
  ];
  test.each(kinds)('is dead-lettered as %s, and its neighbours go on', async (code, event) => {
    const { client, home, keys } = installation;
    const worker = await installation.startWorker();
    await installation.append(good[0] as object);
    if (event !== null) await installation.append(event);
    else if (code === 'MISSING_EVENT_FIELD') await client.xadd(home.events, '*', 'evnt', '{}');
    else {
      const stray = JSON.stringify({
        specversion: '1.0',
        id: 'stray',
        source: 's',
        type: 't',
        audience: 'tenant',
        tenantid: installation.tenantOf((home.partition + 1) % PARTITIONS),
      });
      await client.xadd(home.events, '*', 'event', stray);
    }
    await installation.handled(await lastId(installation.append(good[1] as object)));
    expectDelivered(await installation.feed(), good);
    const dead = await installation.deadLetters();
    expect(dead.map((letter) => letter.code)).toEqual([code]);
    expect(dead[0]?.message).not.toBe('');
    expect(worker.counters).toMatchObject({ delivered: 2, dead: 1 });
    expect(await client.exists(keys.partition((home.partition + 1) % PARTITIONS).feed)).toBe(0);
  });

  test('among many good ones keeps their order, whatever the proportion', async () => {
    await installation.startWorker();
    const events = numbered(900);
    const mixed = events.flatMap((event, index) => (index % 3 === 0 ? [event, `bad ${index}`] : [event]));
    await installation.handled(await lastId(installation.append(...mixed)));
    expectDelivered(await installation.feed(), events);
    expect(await installation.deadLetters()).toHaveLength(300);
  });

  test('that holds the replacement character itself is a good one', async () => {
    await installation.startWorker();
    await installation.handled(await lastId(installation.append({ id: 'e', data: '�' })));
    expect((await installation.feed())[0]?.event.data).toBe('�');
  });
});
