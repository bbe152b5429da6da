import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EntryId, partitionOf } from '@rejoin/protocol';
import { deadLetterRecord, writeDeadLetter } from '@rejoin/streams';
import { Tenants } from '../src/tenants/tenants.ts';
import { OperationsSystem } from './operations-system.ts';

let system: OperationsSystem;
const ALL = { user: 'olga', tenant: null };

beforeEach(() => {
  system = new OperationsSystem();
});

afterEach(() => system.close());

/** Tenants of different partitions. */
function tenantsApart(count: number): string[] {
  const found = new Map<number, string>();
  for (let i = 0; found.size < count; i++) {
    const partition = partitionOf(`tenant-${i}`, 8);
    if (!found.has(partition)) found.set(partition, `tenant-${i}`);
  }
  return [...found.values()];
}

async function publish(tenant: string, count: number, atMs: number, rooms: readonly string[] = []): Promise<void> {
  const events = Array.from({ length: count }, (_, i) => ({ id: `${tenant}-${atMs}-${i}`, tenant, rooms }));
  await (await system.writer(tenant)).write(events, atMs);
}

async function bury(tenant: string | undefined, entryId: EntryId): Promise<void> {
  const parsed = { id: entryId, source: '/o', type: 'a.b', ...(tenant === undefined ? {} : { tenantid: tenant }) };
  const failure = { code: 'NO_AUDIENCE_RULE', message: 'no rule', failedAtMs: Date.now() } as const;
  const record = deadLetterRecord({ entryId, event: '{}', parsed, ...failure });
  const pipeline = system.client.pipeline();
  const keys = system.keys.partition(partitionOf(tenant ?? '', 8));
  writeDeadLetter(pipeline, keys, { entryId, record, failedAtMs: failure.failedAtMs });
  await pipeline.exec();
}

describe('tenants', () => {
  it('are counted by what they cost: events, bytes, room writes and dead letters', async () => {
    const [loud, wide] = tenantsApart(2) as [string, string];
    const atMs = Date.now() - 10_000;
    await publish(loud, 5, atMs);
    await publish(wide, 2, atMs + 1_000, ['t:wide/a', 't:wide/b', 't:wide/c']);
    await bury('silent', '1-0');
    await bury('silent', '2-0');
    await bury(undefined, '3-0');
    const page = await system.operations.tenants.list(ALL);
    const rate = expect.any(Number);
    expect(page).toMatchObject({
      scanned: 7,
      total: 7,
      since: new Date(atMs).toISOString(),
      deadLettersComplete: true,
    });
    expect(page.items).toEqual([
      { tenant: loud, events: 5, rooms: 0, bytes: expect.any(Number), eventsPerSecond: rate, deadLetters: 0 },
      { tenant: wide, events: 2, rooms: 6, bytes: expect.any(Number), eventsPerSecond: rate, deadLetters: 0 },
      { tenant: 'silent', events: 0, rooms: 0, bytes: 0, eventsPerSecond: 0, deadLetters: 2 },
    ]);
    const entries = await system.client.xrange(system.keys.partition(partitionOf(wide, 8)).feed, '-', '+');
    const texts = entries.map(([, fields]) => fields[fields.indexOf('event') + 1] as string);
    expect(page.items[1]?.bytes).toBe(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
    const span = (Date.parse(page.asOf) - atMs) / 1_000;
    expect(page.items[0]?.eventsPerSecond).toBeCloseTo(5 / span, 1);
  });

  it('are sorted by what is asked for, and paged', async () => {
    const [loud, wide, third] = tenantsApart(3) as [string, string, string];
    const atMs = Date.now() - 10_000;
    await publish(loud, 5, atMs);
    await publish(wide, 2, atMs, ['t:wide/a', 't:wide/b']);
    await publish(third, 1, atMs, ['t:third/a']);
    const { tenants } = system.operations;
    const names = async (query: Parameters<typeof tenants.list>[1]) => {
      const { items, next } = await tenants.list(ALL, query);
      return { names: items.map(({ tenant }) => tenant), next };
    };
    expect(await names({ sort: 'rooms' })).toEqual({ names: [wide, third, loud], next: null });
    expect((await names({ sort: 'events', order: 'asc' })).names).toEqual([third, wide, loud]);
    const first = await names({ limit: 2 });
    expect(first.names).toEqual([loud, wide]);
    expect(await names({ limit: 2, after: first.next as string })).toEqual({ names: [third], next: null });
    await expect(tenants.list(ALL, { after: 'nonsense' })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it('of busy and quiet partitions are compared over one span, within the budget', async () => {
    const [busy, quiet] = tenantsApart(2) as [string, string];
    const startMs = Date.now() - 3_600_000;
    for (let minute = 0; minute < 20; minute++) await publish(quiet, 1, startMs + minute * 60_000);
    const burstMs = Date.now() - 60_000;
    for (let second = 0; second < 50; second++) await publish(busy, 4, burstMs + second * 1_000);
    await publish(quiet, 1, burstMs + 49_000);
    const tenants = new Tenants(system.client, system.keys, 8, 80);
    const page = await tenants.list(ALL);
    expect(page.total).toBe(221);
    const [first, second] = page.items;
    expect(first?.tenant).toBe(busy);
    expect(first?.events).toBeGreaterThan(20);
    expect(page.scanned).toBe((first?.events ?? 0) + (second?.events ?? 0));
    expect(page.scanned).toBeLessThanOrEqual(80);
    // What it sent an hour ago is no part of a span of seconds.
    expect(second).toMatchObject({ tenant: quiet, events: 1 });
    expect(Date.parse(page.since as string)).toBeGreaterThan(burstMs);
  });

  it('have no rate over less than a second, and there is no span where nothing was sent', async () => {
    expect(await system.operations.tenants.list(ALL)).toMatchObject({ items: [], scanned: 0, total: 0, since: null });
    const [tenant] = tenantsApart(1) as [string];
    // A clock ahead of Redis', as entries may have been given their IDs by another server.
    await publish(tenant, 3, Date.now() + 60_000);
    const { items } = await system.operations.tenants.list(ALL);
    expect(items).toMatchObject([{ tenant, events: 3, eventsPerSecond: null }]);
  });

  it('of a bound operator are its own alone, and the sums say nothing of a neighbour in the same partition', async () => {
    const neighbour = 'tenant-0';
    let i = 1;
    while (partitionOf(`tenant-${i}`, 8) !== partitionOf(neighbour, 8)) i += 1;
    const own = `tenant-${i}`;
    const atMs = Date.now() - 10_000;
    await publish(neighbour, 9, atMs);
    await publish(own, 2, atMs + 1_000);
    await bury(neighbour, '1-0');
    await bury(own, '2-0');
    const page = await system.operations.tenants.list({ user: 'anna', tenant: own });
    expect(page.items).toMatchObject([{ tenant: own, events: 2, deadLetters: 1 }]);
    expect(page).toMatchObject({ scanned: 2, total: null, since: new Date(atMs + 1_000).toISOString() });
  });

  it('are told to metrics by their rates, the busiest first and no more than were asked for', async () => {
    const [loud, wide, quiet] = tenantsApart(3) as [string, string, string];
    expect(await system.operations.tenants.busiest(2)).toEqual([]);
    const atMs = Date.now() - 10_000;
    await publish(quiet, 1, atMs);
    await publish(wide, 2, atMs + 1_000, ['t:wide/a', 't:wide/b', 't:wide/c']);
    await publish(loud, 5, atMs + 2_000);
    const [first, second, ...others] = await system.operations.tenants.busiest(2);
    expect([first?.tenant, second?.tenant, others.length]).toEqual([loud, wide, 0]);
    // Over ten seconds and what has passed since.
    expect(first?.eventsPerSecond).toBeGreaterThan(0);
    expect(first?.eventsPerSecond).toBeLessThanOrEqual(0.5);
    expect((first?.eventsPerSecond ?? 0) / (second?.eventsPerSecond ?? 0)).toBeCloseTo(2.5);
    expect((second?.roomWritesPerSecond ?? 0) / (second?.eventsPerSecond ?? 0)).toBeCloseTo(3);
    expect(second?.bytesPerSecond).toBeGreaterThan(second?.eventsPerSecond ?? 0);
  });
});
