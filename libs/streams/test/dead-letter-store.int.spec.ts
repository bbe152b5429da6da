import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SeededRandom } from '@rejoin/testing';
import {
  type DeadLetterFilter,
  type DeadLetterId,
  type DeadLetterPage,
  type DeadLetterQuery,
  DeadLetterStore,
  deadLetterRecord,
  eventDigest,
  type Failure,
  formatDeadLetterId,
  retainDeadLetters,
  TOMBSTONE_MS,
  writeDeadLetter,
} from '../src/index.ts';
import { TestPartition } from './test-partition.ts';

const PARTITIONS = 3;
const DAY_MS = 86_400_000;

let partition: TestPartition;
let store: DeadLetterStore;
beforeEach(async () => {
  partition = await TestPartition.open();
  store = new DeadLetterStore(partition.client, partition.keyspace, PARTITIONS);
});
afterEach(() => partition.close());

function eventText(id: string, type = 'order.paid', tenantid = 'acme'): string {
  return JSON.stringify({ specversion: '1.0', id, source: 'test', type, tenantid });
}

/** Dead-letters as fan-out does. */
async function bury(fields: Partial<Failure> = {}, of = 0): Promise<DeadLetterId> {
  const keys = partition.keyspace.partition(of);
  const entryId = fields.entryId ?? `${Date.now()}-${sequence++}`;
  const event = fields.event === undefined ? eventText(entryId) : fields.event;
  const failure: Failure = {
    entryId,
    event,
    parsed: typeof event === 'string' && event.startsWith('{"') ? JSON.parse(event) : undefined,
    code: 'NO_AUDIENCE_RULE',
    message: 'no rule',
    failedAtMs: Date.now(),
    ...fields,
  };
  const pipeline = partition.client.pipeline();
  writeDeadLetter(pipeline, keys, { entryId, record: deadLetterRecord(failure), failedAtMs: failure.failedAtMs });
  await pipeline.exec();
  return { partition: of, entryId };
}
let sequence = 0;

async function* everyPage(query: DeadLetterQuery): AsyncGenerator<DeadLetterPage> {
  let after: string | null = null;
  do {
    const page: DeadLetterPage = await store.list({ ...query, after });
    yield page;
    after = page.next;
  } while (after !== null);
}

/** Every page, as IDs. */
async function pages(query: DeadLetterQuery): Promise<string[][]> {
  const result: string[][] = [];
  for await (const { items } of everyPage(query)) result.push(items.map(({ id }) => id));
  return result;
}

describe('listing', () => {
  test('goes through all partitions, latest failure first, each once, also where many failed at one time', async () => {
    const expected: { id: string; at: number }[] = [];
    for (let i = 0; i < 450; i++) {
      const at = 1_000 + Math.floor(i / 150);
      const id = await bury({ entryId: `${5_000 + i}-0`, failedAtMs: at }, i % PARTITIONS);
      expected.push({ id: formatDeadLetterId(id), at });
    }
    const listed = await pages({ limit: 37 });
    expect(new Set(listed.flat())).toEqual(new Set(expected.map(({ id }) => id)));
    expect(listed.flat()).toHaveLength(450);
    const times = new Map(expected.map(({ id, at }) => [id, at]));
    const order = listed.flat().map((id) => times.get(id) as number);
    expect(order).toEqual(order.toSorted((a, b) => b - a));
  });

  test('misses nothing that stays, while others are taken out between and during pages', async () => {
    const ids: DeadLetterId[] = [];
    for (let i = 0; i < 300; i++) ids.push(await bury({ entryId: `${i + 1}-0`, failedAtMs: 1_000 + (i % 7) }));
    const kept = new Set(ids.filter((_, index) => index % 3 === 0).map(formatDeadLetterId));
    const seen = new Set<string>();
    let after: string | null = null;
    do {
      const page = await store.list({ limit: 20, after });
      const gone = page.items.filter(({ id }) => !kept.has(id));
      await store.discard(gone, { reason: 'test' });
      for (const { id } of page.items) seen.add(id);
      after = page.next;
    } while (after !== null);
    for (const id of kept) expect(seen).toContain(id);
  });

  test('filters by tenant, type, code, cause and time, and says how many it looked at', async () => {
    const one = await bury({ event: eventText('1', 'order.paid', 'acme'), failedAtMs: 1_000 });
    const two = await bury({ event: eventText('2', 'order.sent', 'umbrella'), failedAtMs: 2_000 });
    const three = await bury({ event: '{', code: 'INVALID_JSON', message: 'at 17', failedAtMs: 3_000 }, 1);
    const ids = async (filter: object) => (await store.list({ filter })).items.map(({ entryId }) => entryId);
    expect(await ids({ tenant: 'acme' })).toEqual([one.entryId]);
    expect(await ids({ type: 'order.*' })).toEqual([two.entryId, one.entryId]);
    expect(await ids({ type: 'order.sent' })).toEqual([two.entryId]);
    expect(await ids({ code: 'INVALID_JSON' })).toEqual([three.entryId]);
    expect(await ids({ sinceMs: 2_000, untilMs: 2_000 })).toEqual([two.entryId]);
    const { fingerprint } = (await store.get(three)) ?? {};
    expect(await ids({ fingerprint })).toEqual([three.entryId]);
    // One without a label, which the index does not know: all are looked at, in the order of time.
    await partition.client.hset(partition.keys.dead, '1-0', JSON.stringify({ code: 'ODD', tenantId: 'acme' }));
    await partition.client.zadd(partition.keys.deadOrder, 1, '1-0');
    const bounded = await store.list({ filter: { tenant: 'acme' }, scanLimit: 2 });
    expect(bounded).toMatchObject({ items: [], scanned: 2, next: expect.any(String) });
    const rest = await store.list({ filter: { tenant: 'acme' }, after: bounded.next });
    expect(rest.items.map(({ entryId }) => entryId)).toEqual([one.entryId, '1-0']);
    await expect(store.list({ after: 'nonsense' })).rejects.toThrow(RangeError);
  });

  test('by what few different ones have in common reads those alone, in the same order, while others are taken out', async () => {
    const ids: DeadLetterId[] = [];
    for (let i = 0; i < 300; i++) {
      const [event, at] = [eventText(`${i}`, `order.kind-${i % 4}`), 1_000 + (i % 7)];
      ids.push(await bury({ entryId: `${i + 1}-0`, event, failedAtMs: at }, i % PARTITIONS));
    }
    const filter = { type: 'order.kind-1', sinceMs: 1_001, untilMs: 1_005 };
    const expected: string[] = [];
    for await (const { items } of everyPage({ limit: 50 })) {
      for (const { id, type, lastFailedAt } of items) {
        const at = Date.parse(lastFailedAt);
        if (type === filter.type && at >= filter.sinceMs && at <= filter.untilMs) expected.push(id);
      }
    }
    expect(expected.length).toBeGreaterThan(45);
    expect((await pages({ filter, limit: 7 })).flat()).toEqual(expected);
    expect(await store.list({ filter: { type: 'order.paid' } })).toEqual({ items: [], next: null, scanned: 0 });
    const scan = await store.scan(filter);
    const seen: string[] = [];
    for (let page = await scan.page(7, 1_000); page.items.length > 0; page = await scan.page(7, 1_000)) {
      expect(page.scanned).toBe(page.items.length);
      seen.push(...page.items.map(({ id }) => id));
      await store.discard(page.items, { reason: 'test' });
    }
    expect(seen).toEqual(expected);
  });

  test('shows what somebody else wrote there as unreadable', async () => {
    await partition.client.hset(partition.keys.dead, '1-0', 'not JSON');
    await partition.client.zadd(partition.keys.deadOrder, 1, '1-0');
    expect((await store.list()).items).toMatchObject([{ id: '0.1-0', code: 'UNREADABLE', event: null }]);
  });
});

test('grouping counts by cause, tenant and type, whatever differs in the messages', async () => {
  for (let i = 0; i < 5; i++) await bury({ message: `order "${i}" of ${i} has no owner` }, i % PARTITIONS);
  await bury({ event: eventText('x', 'order.sent', 'umbrella'), code: 'AUDIENCE_TEMPLATE' });
  const counts = await store.group();
  expect(counts).toMatchObject({ total: 6, matched: 6, scanned: 6, complete: true });
  expect(counts.groups.map(({ code, count }) => [code, count])).toEqual([
    ['NO_AUDIENCE_RULE', 5],
    ['AUDIENCE_TEMPLATE', 1],
  ]);
  expect(counts.tenants).toEqual([
    { tenantId: 'acme', type: 'order.paid', count: 5 },
    { tenantId: 'umbrella', type: 'order.sent', count: 1 },
  ]);
});

describe('counts that are kept', () => {
  const CODES = ['NO_AUDIENCE_RULE', 'RESOLVER_FAILED'] as const;

  /** What reading every single one comes to. */
  async function recounted(filter: DeadLetterFilter = {}): Promise<Record<string, number>> {
    const sums: Record<string, number> = {};
    for await (const { items } of everyPage({ filter })) {
      for (const { tenantId, type, code, fingerprint } of items) {
        const names = [`${tenantId ?? 'nobody'} ${type ?? 'nothing'}`, `${code} ${fingerprint}`, 'matched'];
        for (const name of names) sums[name] = (sums[name] ?? 0) + 1;
      }
    }
    return sums;
  }

  async function counted(filter: DeadLetterFilter = {}): Promise<Record<string, number>> {
    const { matched, groups, tenants, complete } = await store.group({ filter });
    expect(complete).toBe(true);
    return Object.fromEntries([
      ...tenants.map(({ tenantId, type, count }) => [`${tenantId ?? 'nobody'} ${type ?? 'nothing'}`, count]),
      ...groups.map(({ code, fingerprint, count }) => [`${code} ${fingerprint}`, count]),
      ...(matched === 0 ? [] : [['matched', matched]]),
    ]);
  }

  test('agree with what is there after any redrives, discards and removals by retention, under every filter', async () => {
    const random = new SeededRandom(20_261_125);
    const types = ['order.paid', 'order.sent', 'order'];
    const tenants = ['acme', 'acme corp', 'umbrella', 'a/b%', '%'];
    const ids: DeadLetterId[] = [];
    for (let i = 0; i < 120; i++) {
      const event = random.chance(0.1) ? '{' : eventText(`e-${i}`, random.pick(types), random.pick(tenants));
      const failedAtMs = random.between(1_000, 1_500);
      const cause = { code: random.pick(CODES), message: random.pick(['no owner', 'no "rule" 7']) };
      ids.push(await bury({ entryId: `${i + 1}-0`, event, failedAtMs, ...cause }, i % PARTITIONS));
    }
    const filters: DeadLetterFilter[] = [
      {},
      { tenant: 'acme' },
      { tenant: '%' },
      { tenant: 'acme corp', type: 'order' },
      { type: 'order.*' },
      { code: 'RESOLVER_FAILED' },
      { sinceMs: 1_100, untilMs: 1_300 },
      { tenant: 'umbrella', sinceMs: 1_250 },
    ];
    const agree = async () => {
      for (const filter of filters) expect(await counted(filter)).toEqual(await recounted(filter));
    };
    await agree();
    await store.redrive(ids.filter((_, i) => i % 5 === 0));
    await store.discard(
      ids.filter((_, i) => i % 7 === 0),
      { reason: 'test' },
    );
    // Again, as after a lost reply: nothing is counted twice.
    await store.redrive(ids.filter((_, i) => i % 5 === 0));
    await store.discard(
      ids.filter((_, i) => i % 7 === 0),
      { reason: 'test' },
    );
    await agree();
    const bounds = { maxAgeMs: Date.now(), maxCount: 10 };
    await retainDeadLetters(partition.client, partition.keys, partition.token, bounds);
    expect(await partition.client.zcard(partition.keys.deadIndex)).toBe(10);
    await agree();
  });

  test('say where a bound on different labels left some out, and where somebody else wrote one without a label', async () => {
    for (let i = 0; i < 3; i++) await bury({ event: eventText(`${i}`, 'order.paid', `tenant-${i}`) });
    expect(await store.group({ labelLimit: PARTITIONS })).toMatchObject({ matched: 1, complete: false, total: 3 });
    await partition.client.hset(partition.keys.dead, '1-0', 'not JSON');
    await partition.client.zadd(partition.keys.deadOrder, 1, '1-0');
    expect(await store.group()).toMatchObject({ matched: 3, complete: false, total: 4 });
    expect(await store.discard([{ partition: 0, entryId: '1-0' }], { reason: 'test' })).toEqual([true]);
    expect(await store.group()).toMatchObject({ matched: 3, complete: true, total: 3 });
  });

  test('go on over many labels, and name the latest message and the times of each cause', async () => {
    for (let i = 0; i < 250; i++)
      await bury({ event: eventText(`${i}`, `kind-${i}`), message: `no rule ${i}`, failedAtMs: 1_000 + i });
    const { groups, tenants, ...counts } = await store.group();
    expect(counts).toEqual({ total: 250, matched: 250, scanned: 250, complete: true });
    expect(tenants).toHaveLength(250);
    expect(groups).toEqual([
      {
        fingerprint: expect.any(String),
        code: 'NO_AUDIENCE_RULE',
        message: 'no rule 249',
        count: 250,
        firstFailedAt: new Date(1_000).toISOString(),
        lastFailedAt: new Date(1_249).toISOString(),
      },
    ]);
  });
});

describe('redriving', () => {
  test('appends the event at the tail as its next attempt, and keeps nothing of the dead letter', async () => {
    const { client, keys } = partition;
    await partition.append(eventText('before'));
    const id = await bury({ event: eventText('a'), attempts: 3, firstFailedAtMs: 1_000 });
    const [outcome] = await store.redrive([id]);
    const entries = await client.xrange(keys.events, '-', '+');
    const [entryId, [, event, ...attempts] = []] = entries.at(-1) ?? [];
    expect([entryId, event]).toEqual([(outcome as { entryId: string }).entryId, eventText('a')]);
    expect(attempts).toEqual([
      'attempt',
      '4',
      'round',
      '4',
      'failing-since',
      '1000',
      'last-failure',
      expect.any(String),
    ]);
    expect(await client.exists(keys.dead, keys.deadOrder)).toBe(0);
  });

  test('lets the event pass where duplicates are looked up, by writing its new entry ID under its digest', async () => {
    const { client, keys } = partition;
    const digest = eventDigest('acme', 'test', 'a');
    const id = await bury({ event: eventText('a') });
    await client.hset(keys.seen, digest, id.entryId);
    const [outcome] = await store.redrive([id]);
    expect(await client.hget(keys.seen, digest)).toBe((outcome as { entryId: string }).entryId);
  });

  test('drops one whose event was accepted again in the meantime', async () => {
    const { client, keys } = partition;
    const id = await bury({ event: eventText('a') });
    const later = `${Date.now() + 1_000}-0`;
    await client.hset(keys.seenBefore, eventDigest('acme', 'test', 'a'), later);
    expect(await store.redrive([id])).toEqual([{ outcome: 'duplicate', entryId: later }]);
    expect(await client.exists(keys.events, keys.dead)).toBe(0);
  });

  test('does it once, however often and by however many it is asked at a time', async () => {
    const ids: DeadLetterId[] = [];
    for (let i = 0; i < 40; i++) ids.push(await bury({ event: eventText(`e${i}`) }));
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => store.redrive(ids, { jobId: 'j' })));
    expect(outcomes.flat().filter(({ outcome }) => outcome === 'appended')).toHaveLength(40);
    expect(outcomes.flat().filter(({ outcome }) => outcome === 'gone')).toHaveLength(120);
    expect(await partition.client.xlen(partition.keys.events)).toBe(40);
    expect(await store.tally('j')).toEqual({ appended: 40, duplicate: 0, discarded: 0 });
  });

  test('refuses, in words, what can never be delivered, and keeps it', async () => {
    const missing = await bury({ event: null, code: 'PAYLOAD_MISSING' });
    const foreign = await bury({ code: 'WRONG_PARTITION' }, 1);
    const binary = await bury({ event: Buffer.from([0xff]), code: 'NOT_UTF8' }, 2);
    const fields = await bury({ event: '["a","b"]', code: 'MISSING_EVENT_FIELD' });
    const outcomes = await store.redrive([missing, foreign, binary, fields]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'refused', 'refused']);
    expect(await store.counts()).toEqual([2, 1, 1]);
  });

  test('waits while the partition refuses publishing', async () => {
    const id = await bury();
    await partition.client.set(partition.keys.full, 'memory is short');
    expect(await store.redrive([id])).toEqual([{ outcome: 'full' }]);
    await partition.client.del(partition.keys.full);
    expect(await store.redrive([id])).toMatchObject([{ outcome: 'appended' }]);
  });
});

test('discarding leaves a tombstone that says what it was, why it went and who did it', async () => {
  const id = await bury({ event: eventText('a') });
  expect(await store.discard([id, id], { reason: 'a test order', by: 'ann', jobId: 'j' })).toEqual([true, false]);
  expect(await store.get(id)).toBeNull();
  expect(await store.tombstone(id)).toEqual({
    entryId: id.entryId,
    eventId: 'a',
    tenantId: 'acme',
    type: 'order.paid',
    code: 'NO_AUDIENCE_RULE',
    reason: 'a test order',
    by: 'ann',
    discardedAt: expect.any(String),
  });
  expect(await store.tally('j')).toMatchObject({ discarded: 1 });
});

test('retention removes what is too old, then what is too many, oldest first, in slices', async () => {
  const { client, keys, token } = partition;
  for (let i = 0; i < 5; i++) await bury({ entryId: `${i + 1}-0`, failedAtMs: Date.now() - 3 * DAY_MS });
  for (let i = 0; i < 450; i++) await bury({ entryId: `${100 + i}-0`, failedAtMs: Date.now() - 1_000 + i });
  await store.discard([{ partition: 0, entryId: '1-0' }], { reason: 'test' });
  await client.zadd(keys.tombstoneOrder, Date.now() - TOMBSTONE_MS - 1_000, '1-0');
  const retention = { maxAgeMs: 2 * DAY_MS, maxCount: 100 };
  const first = await retainDeadLetters(client, keys, token, retention);
  expect(first).toEqual({ removed: 204, tombstones: 1, more: true });
  const second = await retainDeadLetters(client, keys, token, retention);
  expect(second).toMatchObject({ removed: 150, more: false });
  expect(await client.zrange(keys.deadOrder, '0', '0')).toEqual([expect.stringMatching(/^450-0 /)]);
  expect(await client.zcard(keys.deadIndex)).toBe(100);
  expect(await client.hlen(keys.dead)).toBe(100);
  expect(await client.exists(keys.tombstones)).toBe(0);
  await expect(retainDeadLetters(client, keys, '1-other', retention)).rejects.toThrow('not held');
});
