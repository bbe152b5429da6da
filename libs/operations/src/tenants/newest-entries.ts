import { type EntryId, entryIdTimeMs } from '@rejoin/protocol';
import { type Keyspace, type RedisClient, someAtATime } from '@rejoin/redis';
import { peekFeed, readRoute } from '../events/feed-peek.ts';

/** What an entry of a feed cost. */
export interface EntryCost {
  readonly atMs: number;
  readonly tenant: string;
  readonly rooms: number;
  readonly bytes: number;
}

export interface NewestEntries {
  readonly costs: readonly EntryCost[];
  /** Every entry of every feed from here on was looked at; `null` where there was none. */
  readonly sinceMs: number | null;
}

/** The first look at a partition takes this part of its share, so that the rest goes where entries are younger. */
const FIRST_PART = 1 / 4;
const STEP_ENTRIES = 250;
/** Partitions that are looked at at once. */
const AT_ONCE = 4;
/** Looks of at most a megabyte each beyond the first ones: large events exhaust these before the entries. */
const MAX_STEPS = 64;

interface Lane {
  readonly feed: string;
  readonly costs: EntryCost[];
  from: string;
  /** Of the oldest entry looked at; infinite before the first. */
  frontierMs: number;
  isOver: boolean;
}

/**
 * The newest feed entries of partitions together, down to one time: the partition that is least far back is looked at on,
 * so that a busy one and a quiet one are compared over the same span. Events themselves do not leave Redis.
 * @param budget most entries to look at
 * @param tenant whose entries alone are returned, if any
 */
export async function newestEntries(
  client: RedisClient,
  keys: Keyspace,
  partitions: readonly number[],
  budget: number,
  tenant: string | undefined,
): Promise<NewestEntries> {
  const lanes = partitions.map((partition): Lane => {
    const { feed } = keys.partition(partition);
    return { feed, costs: [], from: '+', frontierMs: Number.POSITIVE_INFINITY, isOver: false };
  });
  const first = Math.max(1, Math.floor((budget / lanes.length) * FIRST_PART));
  let looked = sum(await someAtATime(lanes, AT_ONCE, (lane) => lookOn(client, lane, first, tenant)));
  for (let step = 0; step < MAX_STEPS && looked < budget; step++) {
    const behind = youngest(lanes, AT_ONCE);
    if (behind.length === 0) break;
    const share = Math.ceil((budget - looked) / behind.length);
    looked += sum(await Promise.all(behind.map((lane) => lookOn(client, lane, Math.min(STEP_ENTRIES, share), tenant))));
  }
  const reachedMs = youngest(lanes, 1)[0]?.frontierMs;
  const all = lanes.flatMap(({ costs }) => costs);
  const costs = reachedMs === undefined ? all : all.filter(({ atMs }) => atMs >= reachedMs);
  return { costs, sinceMs: reachedMs ?? oldestOf(costs) };
}

async function lookOn(client: RedisClient, lane: Lane, entries: number, tenant: string | undefined): Promise<number> {
  const peek = { newest: true, from: lane.from, to: '-', entries, matches: entries, tenant, sizes: true };
  const slice = await peekFeed(client, lane.feed, peek);
  for (const { entryId, route, event } of slice.entries) lane.costs.push(costOf(entryId, route, event));
  lane.isOver = slice.isOver;
  if (slice.last !== null) {
    lane.from = `(${slice.last}`;
    lane.frontierMs = entryIdTimeMs(slice.last);
  }
  return slice.looked;
}

function costOf(entryId: EntryId, route: string, size: string): EntryCost {
  const { tenant, rooms } = readRoute(entryId, route);
  return { atMs: entryIdTimeMs(entryId), tenant, rooms: rooms.length, bytes: Number(size) };
}

/** Of the lanes in which something is left, those that are least far back. */
function youngest(lanes: readonly Lane[], count: number): Lane[] {
  const open = lanes.filter(({ isOver }) => !isOver);
  return open.sort((a, b) => (a.frontierMs === b.frontierMs ? 0 : b.frontierMs - a.frontierMs)).slice(0, count);
}

function oldestOf(costs: readonly EntryCost[]): number | null {
  return costs.length === 0
    ? null
    : costs.reduce((oldest, { atMs }) => Math.min(oldest, atMs), Number.POSITIVE_INFINITY);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
