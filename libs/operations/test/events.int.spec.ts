import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compareEntryIds, partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { FeedWriter, testRedis, uniquePrefix } from '@rejoin/testing';
import * as v from 'valibot';
import { type EventsQuery, eventsPage, Operations } from '../src/index.ts';

const keys = keyspace(uniquePrefix());
const EVERYTHING = { user: 'olga', tenant: null };
const TENANTS = ['acme', 'bolt', 'core', 'dune'];
let client: RedisClient;
let operations: Operations;
const places: { id: string; number: number; entryId: string; partition: number }[] = [];
const written = (): string[] => places.map(({ id }) => id);
let waitingId: string;

beforeAll(async () => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  operations = new Operations({
    client,
    redisUrl: testRedis(),
    replay: { windowMs: 86_400_000, maxBytes: 1024 ** 3 },
    keys,
    partitions: 8,
    onError: () => undefined,
  });
  const writers = new Map<number, FeedWriter>();
  for (let i = 0; i < 120; i++) {
    const tenant = TENANTS[i % TENANTS.length] as string;
    const partition = partitionOf(tenant, 8);
    const writer = writers.get(partition) ?? (await FeedWriter.open(client, keys.partition(partition)));
    writers.set(partition, writer);
    const rooms = [`${tenant}:${i % 8 === 0 ? 'user%3Au-1' : 'tenant'}`];
    const [entryId] = await writer.write([
      { id: `e-${i}`, tenant, type: i % 3 === 0 ? 'order.paid' : 'note.made', rooms, data: { secret: i } },
    ]);
    places.push({ id: `e-${i}`, number: i, entryId: entryId as string, partition });
  }
  // Of one millisecond, partitions come in their order.
  places.sort((a, b) => compareEntryIds(a.entryId, b.entryId) || a.partition - b.partition);
  const event = {
    specversion: '1.0',
    id: 'w-1',
    source: '/o',
    type: 'order.late',
    tenantid: 'acme',
    subject: '9',
    audience: 'role:staff, tenant',
  };
  waitingId = (await client.xadd(
    keys.partition(partitionOf('acme', 8)).events,
    '*',
    'event',
    JSON.stringify(event),
  )) as string;
});

afterAll(async () => {
  await operations.stop();
  disconnect(client);
});

const idsOf = (items: readonly { eventId: string | null }[]) => items.map(({ eventId }) => eventId);

/** Every page of a query, one after the other. */
async function allOf(query: EventsQuery): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page: v.InferOutput<typeof eventsPage> = await operations.events.peek(EVERYTHING, {
      ...query,
      ...(after === undefined ? {} : { after }),
    });
    ids.push(...(idsOf(page.items) as string[]));
    after = page.next ?? undefined;
  } while (after !== undefined);
  return ids;
}

describe('peeking', () => {
  it('shows what waits and what was fanned out, latest first, in the order of time over all partitions', async () => {
    const page = await operations.events.peek(EVERYTHING, { limit: 5 });
    expect(v.parse(eventsPage, page)).toEqual(page);
    expect(idsOf(page.items)).toEqual(['w-1', ...written().reverse().slice(0, 4)]);
    expect(page.items[0]).toMatchObject({ stage: 'waiting', entryId: waitingId, audience: ['role:staff', 'tenant'] });
    expect(page.items.find(({ eventId }) => eventId === 'e-119')).toMatchObject({
      stage: 'fanned_out',
      tenant: 'dune',
      audience: ['tenant'],
    });
    expect(page.total).toBe(121);
  });

  it.each([
    ['newest', 7],
    ['oldest', 7],
    ['newest', 100],
  ] as const)('pages through everything once, %s first, by %i', async (order, limit) => {
    const expected = order === 'oldest' ? [...written(), 'w-1'] : ['w-1', ...written().reverse()];
    expect(await allOf({ order, limit })).toEqual(expected);
  });

  it('finds all of the few that match, however small the scan budget', async () => {
    const expected = places
      .filter(({ number }) => number % 24 === 0)
      .map(({ id }) => id)
      .reverse();
    const query = { tenant: 'acme', type: 'order.*', audience: 'user:u-1', scanLimit: 5, limit: 3 };
    expect(await allOf(query)).toEqual(expected);
    const page = await operations.events.peek(EVERYTHING, { ...query, scanLimit: 2 });
    expect(page.scanned).toBeLessThanOrEqual(20);
    expect(page.exhausted).toBe(false);
  });

  it('filters by stage, subject and time', async () => {
    expect(await allOf({ stage: 'waiting' })).toEqual(['w-1']);
    expect(await allOf({ subject: '9' })).toEqual(['w-1']);
    expect(await allOf({ untilMs: 1 })).toEqual([]);
    expect(await allOf({ sinceMs: Date.now() + 60_000 })).toEqual([]);
  });

  it('masks payloads, and writes down who asked to see them', async () => {
    const masked = await operations.events.peek(EVERYTHING, { limit: 1 });
    expect(masked.items[0]).not.toHaveProperty('data');
    const unexplained = operations.events.peek(EVERYTHING, { payload: true, reason: ' ' });
    await expect(unexplained).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    const shown = await operations.events.peek(EVERYTHING, {
      limit: 1,
      stage: 'fanned_out',
      payload: true,
      reason: 'ticket 7',
    });
    expect(shown.items[0]?.data).toEqual({ secret: places.at(-1)?.number });
    const [line] = (await operations.audit.list(EVERYTHING)).items;
    expect(line).toMatchObject({ action: 'payload.show', by: 'olga', reason: 'ticket 7' });
  });

  it('shows an actor of one tenant nothing of another', async () => {
    const actor = { user: 'anna', tenant: 'acme' };
    const page = await operations.events.peek(actor, { limit: 500 });
    expect(new Set(page.items.map(({ tenant }) => tenant))).toEqual(new Set(['acme']));
    expect(page.items).toHaveLength(31);
    await expect(operations.events.peek(actor, { tenant: 'bolt' })).rejects.toMatchObject({ code: 'TENANT_FORBIDDEN' });
  });
});
