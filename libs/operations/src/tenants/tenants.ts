import { partitionOf } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { DeadLetterStore } from '@rejoin/streams';
import { type Actor, tenantFor } from '../actor.ts';
import { Kept } from '../kept.ts';
import { formatPosition, parsePosition } from '../position.ts';
import { type EntryCost, type NewestEntries, newestEntries } from './newest-entries.ts';
import type { TenantsPage, TenantView } from './tenant-view.ts';

export const TENANT_SORTS = ['events', 'rooms', 'bytes', 'deadLetters'] as const;

export interface TenantsQuery {
  readonly sort?: (typeof TENANT_SORTS)[number];
  readonly order?: 'asc' | 'desc';
  readonly limit?: number;
  readonly after?: string;
}

/** What one tenant makes of the load, in each second. */
export interface TenantLoad {
  readonly tenant: string;
  readonly eventsPerSecond: number;
  readonly roomWritesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** Most feed entries that one look counts. */
const ENTRY_BUDGET = 2_000;
/** Most combinations of tenant, type and cause by which it counts dead letters. */
const DEAD_LETTER_BUDGET = 5_000;
/** Over a shorter time a rate says nothing, in milliseconds. */
const MIN_RATE_SPAN_MS = 1_000;

interface Counts {
  readonly entries: NewestEntries & { readonly nowMs: number };
  readonly dead: Awaited<ReturnType<DeadLetterStore['tenants']>>;
  readonly total: number | null;
}

/** Who makes how much of the load: counted from the newest entries, at a bounded cost, and never from a whole stream. */
export class Tenants {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;
  readonly #deadLetters: DeadLetterStore;
  readonly #entryBudget: number;
  /** Of all tenants: consoles and scrapes ask for them again and again. */
  readonly #newest: Kept<NewestEntries & { readonly nowMs: number }>;
  readonly #counts: Kept<Counts>;

  /** @param entryBudget most feed entries that one look counts */
  constructor(client: RedisClient, keys: Keyspace, partitions: number, entryBudget = ENTRY_BUDGET) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
    this.#deadLetters = new DeadLetterStore(client, keys, partitions);
    this.#entryBudget = entryBudget;
    // Where nothing was found the first events are waited for.
    this.#newest = new Kept(
      () => this.#lookAtEntries(undefined),
      ({ costs }) => costs.length > 0,
    );
    this.#counts = new Kept(
      () => this.#count(undefined),
      ({ entries }) => entries.costs.length > 0,
    );
  }

  /** Most first. @throws OperationError */
  async list(actor: Actor, query: TenantsQuery = {}): Promise<TenantsPage> {
    const { sort = 'events', order = 'desc', limit = 20, after } = query;
    const from = after === undefined ? null : parsePosition(after, isRank);
    const tenant = tenantFor(actor, undefined);
    const { entries, dead, total } = await (tenant === undefined ? this.#counts.get() : this.#count(tenant));
    const { nowMs } = entries;
    const views = tallied(entries.costs);
    // What is not readable enough to have a tenant is nobody's.
    for (const { tenantId, count } of dead.tenants)
      if (tenantId !== null) tallyOf(views, tenantId).deadLetters += count;
    const { sinceMs } = entries;
    const spanMs = sinceMs === null ? 0 : nowMs - sinceMs;
    const before = (a: Rank, b: Rank): number => (order === 'asc' ? a[0] - b[0] : b[0] - a[0]) || compare(a[1], b[1]);
    const rank = (view: Tally): Rank => [view[sort], view.tenant];
    const sorted = [...views.values()]
      .sort((a, b) => before(rank(a), rank(b)))
      .filter((view) => from === null || before(from, rank(view)) < 0);
    const items = sorted.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map((view) => ({ ...view, eventsPerSecond: rateOf(view.events, spanMs) })),
      next: last && sorted.length > limit ? formatPosition(rank(last)) : null,
      asOf: new Date(nowMs).toISOString(),
      scanned: entries.costs.length,
      total,
      since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
      deadLettersComplete: dead.complete,
    };
  }

  /** The tenants with the most events among the newest entries, for metrics. None where the entries are of less than a second. */
  async busiest(count: number): Promise<TenantLoad[]> {
    const { costs, sinceMs, nowMs } = await this.#newest.get();
    const spanMs = sinceMs === null ? 0 : nowMs - sinceMs;
    if (spanMs < MIN_RATE_SPAN_MS) return [];
    const perSecond = (value: number): number => (value * 1_000) / spanMs;
    return [...tallied(costs).values()]
      .sort((a, b) => b.events - a.events || compare(a.tenant, b.tenant))
      .slice(0, count)
      .map(({ tenant, events, rooms, bytes }) => ({
        tenant,
        eventsPerSecond: perSecond(events),
        roomWritesPerSecond: perSecond(rooms),
        bytesPerSecond: perSecond(bytes),
      }));
  }

  async #count(tenant: string | undefined): Promise<Counts> {
    const [entries, dead, total] = await Promise.all([
      tenant === undefined ? this.#newest.get() : this.#lookAtEntries(tenant),
      this.#deadLetters.tenants({ filter: tenant === undefined ? {} : { tenant }, labelLimit: DEAD_LETTER_BUDGET }),
      tenant === undefined ? this.#total(this.#partitionsOf(undefined)) : null,
    ]);
    return { entries, dead, total };
  }

  async #lookAtEntries(tenant: string | undefined) {
    const [entries, nowMs] = await Promise.all([
      newestEntries(this.#client, this.#keys, this.#partitionsOf(tenant), this.#entryBudget, tenant),
      this.#nowMs(),
    ]);
    return { ...entries, nowMs };
  }

  /** All events of a tenant are in one partition. */
  #partitionsOf(tenant: string | undefined): number[] {
    return tenant === undefined
      ? Array.from({ length: this.#partitions }, (_, partition) => partition)
      : [partitionOf(tenant, this.#partitions)];
  }

  async #total(partitions: readonly number[]): Promise<number> {
    const lengths = await Promise.all(
      partitions.map((partition) => this.#client.xlen(this.#keys.partition(partition).feed)),
    );
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** By Redis' clock, which entry IDs are of. */
  async #nowMs(): Promise<number> {
    const [seconds, microseconds] = await this.#client.time();
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  }
}

type Tally = { -readonly [Name in keyof Omit<TenantView, 'eventsPerSecond'>]: TenantView[Name] };

function tallied(costs: readonly EntryCost[]): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const { tenant, rooms, bytes } of costs) {
    const tally = tallyOf(tallies, tenant);
    tally.events += 1;
    tally.rooms += rooms;
    tally.bytes += bytes;
  }
  return tallies;
}

function tallyOf(tallies: Map<string, Tally>, tenant: string): Tally {
  let tally = tallies.get(tenant);
  if (!tally) {
    tally = { tenant, events: 0, bytes: 0, rooms: 0, deadLetters: 0 };
    tallies.set(tenant, tally);
  }
  return tally;
}

/** A tenant's place in a sorted list. */
type Rank = readonly [value: number, tenant: string];

function isRank(value: unknown): value is Rank {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'number' && typeof value[1] === 'string';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rateOf(events: number, spanMs: number): number | null {
  return spanMs < MIN_RATE_SPAN_MS ? null : Math.round((events * 100_000) / spanMs) / 100;
}
