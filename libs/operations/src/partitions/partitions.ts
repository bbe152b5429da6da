import { type EntryId, entryIdTimeMs } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type Actor, requireAllTenants } from '../actor.ts';
import { OperationError } from '../errors.ts';
import { formatPosition, parsePosition } from '../position.ts';
import { healthOf } from './health.ts';
import { backlogOf, lagOf } from './lag.ts';
import type { PartitionSample } from './partition-sample.ts';
import { PARTITION_STATUSES, type PartitionStatus, worstStatus } from './partition-status.ts';
import type { LagSample, PartitionDetail, PartitionsPage, PartitionView, WorkerView } from './partition-view.ts';
import type { Sampler } from './sampler.ts';

export const PARTITION_SORTS = ['partition', 'status', 'lag', 'age', 'pending', 'in', 'out', 'deadLetters'] as const;

export interface PartitionsQuery {
  /** Only partitions with one of these. */
  readonly status?: readonly PartitionStatus[];
  readonly sort?: (typeof PARTITION_SORTS)[number];
  readonly order?: 'asc' | 'desc';
  readonly limit?: number;
  readonly after?: string;
}

/** A partition's sample, and what follows from it alone. */
export type PartitionFact = { readonly sample: PartitionSample } & Pick<
  PartitionView,
  'lag' | 'oldestUndeliveredAgeMs' | 'oldestUnackedAgeMs'
>;

/** A worker counts as inactive this long after its last heartbeat, in milliseconds. */
const WORKER_TTL_MS = 4_000;
/** Rounds that may fail before what is known is too old to judge by. */
const STALE_ROUNDS = 4;
const MIN_STALE_MS = 2_000;

/** How the partitions do, and who owns them. */
export class Partitions {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  /** How many there are. */
  readonly count: number;
  readonly #sampler: Sampler;

  constructor(client: RedisClient, keys: Keyspace, partitions: number, sampler: Sampler) {
    this.#client = client;
    this.#keys = keys;
    this.count = partitions;
    this.#sampler = sampler;
  }

  /** @throws OperationError */
  async list(actor: Actor, query: PartitionsQuery = {}): Promise<PartitionsPage> {
    requireAllTenants(actor);
    const { sort = 'partition', order = sort === 'partition' ? 'asc' : 'desc', limit = 100, after, status } = query;
    await this.#sampler.look();
    const all = this.#all().map((partition) => this.#view(partition));
    const value = SORT_VALUES[sort];
    const sign = order === 'asc' ? 1 : -1;
    const before = (a: Rank, b: Rank): number => sign * (a[0] - b[0]) || a[1] - b[1];
    const rank = (view: PartitionView): Rank => [value(view), view.partition];
    const from = after === undefined ? null : parsePosition(after, isRank);
    const sorted = all
      .filter((view) => status === undefined || status.includes(view.status))
      .sort((a, b) => before(rank(a), rank(b)))
      .filter((view) => from === null || before(from, rank(view)) < 0);
    const items = sorted.slice(0, limit);
    const last = items.at(-1);
    return {
      items,
      next: last && sorted.length > limit ? formatPosition(rank(last)) : null,
      asOf: new Date(this.#sampler.nowMs).toISOString(),
      status: worstStatus(all.map((view) => view.status)),
      workers: await this.#workers(all),
      sampledForMs: Math.max(...this.#all().map((partition) => spanOf(this.#sampler.window(partition)))),
    };
  }

  /** @throws OperationError */
  async get(actor: Actor, partition: number): Promise<PartitionDetail> {
    requireAllTenants(actor);
    this.require(partition);
    await this.#sampler.lookAt(partition);
    return {
      ...this.#view(partition),
      asOf: new Date(this.#sampler.nowMs).toISOString(),
      samples: [...this.#sampler.hour(partition)],
    };
  }

  /** What is known of every partition now, for metrics: nothing of tenants, and no judgement. */
  async facts(): Promise<PartitionFact[]> {
    await this.#sampler.look();
    return this.#all().map((partition) => {
      const sample = this.#sampler.window(partition).at(-1) as PartitionSample;
      const { lag, oldestUndeliveredAgeMs, oldestUnackedAgeMs } = this.#view(partition);
      return { sample, lag, oldestUndeliveredAgeMs, oldestUnackedAgeMs };
    });
  }

  /**
   * The last hour of every partition, as it was kept: nothing is looked at for it.
   * @throws OperationError
   */
  hours(actor: Actor): readonly (readonly LagSample[])[] {
    requireAllTenants(actor);
    return this.#all().map((partition) => this.#sampler.hour(partition));
  }

  /** @throws OperationError `NOT_FOUND` where there is no such partition */
  require(partition: number): void {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.count) {
      throw new OperationError('NOT_FOUND', `there is no partition ${partition}: they are 0 to ${this.count - 1}`);
    }
  }

  #all(): number[] {
    return Array.from({ length: this.count }, (_, partition) => partition);
  }

  #view(partition: number): PartitionView {
    const { nowMs, intervalMs } = this.#sampler;
    const window = this.#sampler.window(partition);
    const sample = window.at(-1) as PartitionSample;
    const { status, reason } = healthOf(window, nowMs, Math.max(MIN_STALE_MS, STALE_ROUNDS * intervalMs));
    const { lag, reason: lagReason } = lagOf(sample);
    const { inPerSecond, outPerSecond, drainSeconds } = ratesOf(window);
    const ageOf = (id: EntryId | null): number | null =>
      id === null ? null : Math.max(0, sample.atMs - entryIdTimeMs(id));
    return {
      partition,
      status,
      statusReason: reason,
      length: sample.length,
      backlog: backlogOf(sample),
      lag,
      lagReason,
      oldestUndeliveredAgeMs: ageOf(sample.group?.oldestWaiting ?? null),
      oldestUnackedAgeMs: ageOf(sample.group?.oldestPending ?? null),
      pending: sample.group?.pending ?? 0,
      parked: sample.parked,
      deadLetters: sample.dead,
      owner: sample.owner,
      lease: sample.lease,
      inPerSecond,
      outPerSecond,
      drainSeconds,
      lastAppended: sample.last,
      done: sample.done,
      feed: { length: sample.feed.length, bytes: sample.feed.bytes, last: sample.feed.last },
      publishing: sample.full,
      paused: sample.paused && {
        until: new Date(sample.atMs + sample.paused.remainingMs).toISOString(),
        reason: sample.paused.reason,
        by: sample.paused.by ?? null,
        remainingMs: sample.paused.remainingMs,
      },
    };
  }

  async #workers(views: readonly PartitionView[]): Promise<WorkerView[]> {
    const flat = await this.#client.zrange(this.#keys.workers, '0', '-1', 'WITHSCORES');
    const workers = new Map<string, WorkerView>();
    for (let i = 0; i < flat.length; i += 2) {
      const seenMs = Number(flat[i + 1]);
      workers.set(flat[i] as string, {
        id: flat[i] as string,
        lastSeen: new Date(seenMs).toISOString(),
        active: this.#sampler.nowMs - seenMs < WORKER_TTL_MS,
        partitions: [],
      });
    }
    for (const { owner, partition } of views) if (owner !== null) workers.get(owner)?.partitions.push(partition);
    return [...workers.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

/** A partition's place in a sorted list. */
type Rank = readonly [value: number, partition: number];

function isRank(value: unknown): value is Rank {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'number');
}

const SORT_VALUES: Record<(typeof PARTITION_SORTS)[number], (view: PartitionView) => number> = {
  partition: ({ partition }) => partition,
  status: ({ status }) => PARTITION_STATUSES.indexOf(status),
  lag: ({ lag }) => lag?.value ?? Number.MAX_SAFE_INTEGER,
  age: ({ oldestUndeliveredAgeMs, oldestUnackedAgeMs }) =>
    Math.max(oldestUndeliveredAgeMs ?? 0, oldestUnackedAgeMs ?? 0),
  pending: ({ pending }) => pending,
  in: ({ inPerSecond }) => inPerSecond ?? -1,
  out: ({ outPerSecond }) => outPerSecond ?? -1,
  deadLetters: ({ deadLetters }) => deadLetters,
};

function spanOf(window: readonly PartitionSample[]): number {
  return (window.at(-1)?.atMs ?? 0) - (window[0]?.atMs ?? 0);
}

/** Appended and handled per second over the window, and how long the backlog lasts at that. */
function ratesOf(window: readonly PartitionSample[]) {
  const [first, last] = [window[0], window.at(-1)];
  const unknown = { inPerSecond: null, outPerSecond: null, drainSeconds: null };
  const span = spanOf(window) / 1_000;
  if (!first || !last || span < 1 || first.added === null || last.added === null || last.added < first.added)
    return unknown;
  const backlog = backlogOf(last);
  const inPerSecond = (last.added - first.added) / span;
  const outPerSecond = Math.max(0, inPerSecond - (backlog - backlogOf(first)) / span);
  const falls = outPerSecond - inPerSecond;
  const drainSeconds = backlog === 0 ? 0 : falls > 0 ? backlog / falls : null;
  return {
    inPerSecond: rounded(inPerSecond),
    outPerSecond: rounded(outPerSecond),
    drainSeconds: drainSeconds && Math.ceil(drainSeconds),
  };
}

function rounded(rate: number): number {
  return Math.round(rate * 100) / 100;
}
