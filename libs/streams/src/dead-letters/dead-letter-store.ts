import type { EntryId } from '@rejoin/protocol';
import { type Keyspace, loadScript, type RedisClient, someAtATime } from '@rejoin/redis';
import { type Reappended, reappend } from '../reappend.ts';
import { type CauseCount, type DeadLetterCounts, type DeadLetterGroup, DeadLetterTally } from './dead-letter-counts.ts';
import { type DeadLetterFilter, deadLetterMatcher } from './dead-letter-filter.ts';
import type { DeadLetterId } from './dead-letter-id.ts';
import { formatDeadLetterLabel } from './dead-letter-label.ts';
import { LabelLane, type LaneBounds, PartitionLane } from './dead-letter-lanes.ts';
import { type DeadLetterPage, DeadLetterScan, parsePosition } from './dead-letter-scan.ts';
import { type DeadLetter, labelOf, readDeadLetter, redrivable, whyNotRedrivable } from './kept-dead-letter.ts';
import { countLabels } from './label-counts.ts';

export interface DeadLetterQuery {
  readonly filter?: DeadLetterFilter;
  /** Most items of a page; 50 by default. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string | null;
  /** Most dead letters to look at; 5,000 by default. A page may then hold fewer, or none, and still have a `next`. */
  readonly scanLimit?: number;
}

export interface GroupQuery {
  readonly filter?: DeadLetterFilter;
  readonly labelLimit?: number;
}

export type Redriven =
  | Reappended
  /** It cannot be delivered whatever is tried; `why` says so in words. It stays where it is. */
  | { readonly outcome: 'refused'; readonly why: string }
  /** The partition refuses publishing for now, since memory is short. It stays where it is. */
  | { readonly outcome: 'full' };

/** What is kept of a discarded dead letter, for a week. */
export interface Tombstone {
  readonly entryId: EntryId;
  readonly eventId?: string;
  readonly tenantId?: string;
  readonly type?: string;
  readonly code: string;
  /** Why it was discarded, and by whom. */
  readonly reason: string;
  readonly by?: string;
  /** RFC 3339. */
  readonly discardedAt: string;
}

/** Counts what a long task did with a partition's dead letters, in the very step that does it. */
export interface TallyOptions {
  /** Names the task; see {@link DeadLetterStore.tally}. */
  readonly jobId?: string;
}

const discardScript = loadScript('discard', import.meta.url);
const DEFAULT_LIMIT = 50;
const DEFAULT_SCAN_LIMIT = 5_000;
const DEFAULT_LABEL_LIMIT = 5_000;
/** Partitions whose labels are counted at once. */
const AT_ONCE = 8;
/** Most labels that a list is read by. */
const MAX_LANES = 500;
/** Messages of causes that are read at once. */
const MESSAGES = 50;
/** How long it is known what a task did, in milliseconds. */
const TALLY_TTL_MS = 7 * 86_400_000;

/**
 * The dead letters of an installation: to look at, to redrive, to discard. Reading is done in short commands and never
 * blocks a partition; every change of one dead letter is one atomic step that may be repeated.
 */
export class DeadLetterStore {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;

  constructor(client: RedisClient, keys: Keyspace, partitions: number) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
  }

  /** How many there are in each partition. */
  async counts(): Promise<number[]> {
    return Promise.all(this.#all().map((partition) => this.#client.zcard(this.#keys.partition(partition).deadOrder)));
  }

  /**
   * One page of the dead letters that match, latest failure first.
   * @throws RangeError where `after` is no `next` of this method
   */
  async list({
    filter = {},
    limit = DEFAULT_LIMIT,
    after = null,
    scanLimit = DEFAULT_SCAN_LIMIT,
  }: DeadLetterQuery = {}): Promise<DeadLetterPage> {
    return (await this.scan(filter, after)).page(limit, scanLimit);
  }

  /**
   * The dead letters that match, latest failure first, for reading them page after page. Where few different ones match, they are
   * read from the index, and nothing else is looked at.
   * @throws RangeError where `after` is no `next` of a page
   */
  async scan(filter: DeadLetterFilter, after: string | null = null): Promise<DeadLetterScan> {
    const position = after === null ? null : parsePosition(after);
    const bounds: LaneBounds = { ...filter, after: position };
    const lanes =
      (await this.#labelLanes(filter, bounds)) ??
      this.#all().map((partition) => new PartitionLane(this.#client, this.#keys.partition(partition), bounds));
    return new DeadLetterScan(this.#client, this.#keys, lanes, filter, position);
  }

  /** `null` where everything matches, or too many different ones, or where some have no label. */
  async #labelLanes(filter: DeadLetterFilter, bounds: LaneBounds): Promise<LabelLane[] | null> {
    const { tenant, type, code, fingerprint } = filter;
    if ([tenant, type, code, fingerprint].every((given) => given === undefined)) return null;
    const { counts, complete } = await this.#labels(filter, DEFAULT_LABEL_LIMIT);
    if (!complete) return null;
    const matches = deadLetterMatcher(filter);
    const meant = counts.filter(({ label }) => matches(label));
    if (meant.length > MAX_LANES) return null;
    return meant.map(
      ({ latest, labelText }) => new LabelLane(this.#client, this.#keys.partition(latest.partition), labelText, bounds),
    );
  }

  /**
   * Counts the dead letters that match by cause, tenant and type, from counts that Redis keeps: what it costs grows with how many
   * different ones there are, not with how many there are.
   * @param labelLimit most combinations of tenant, type and cause to look at, 5,000 by default. What that leaves out, the result
   *   says: `complete` is `false`
   */
  async group({ filter = {}, labelLimit = DEFAULT_LABEL_LIMIT }: GroupQuery = {}): Promise<DeadLetterCounts> {
    const { tally, ...sum } = await this.#count(filter, labelLimit);
    const groups: DeadLetterGroup[] = [];
    const { causes } = tally;
    // A record may have a megabyte: few at a time.
    for (let from = 0; from < causes.length; from += MESSAGES) {
      groups.push(...(await Promise.all(causes.slice(from, from + MESSAGES).map((cause) => this.#withMessage(cause)))));
    }
    return { ...sum, matched: tally.matched, groups, tenants: tally.tenants };
  }

  /** The same by tenant and type alone, which needs no record. */
  async tenants({
    filter = {},
    labelLimit = DEFAULT_LABEL_LIMIT,
  }: GroupQuery = {}): Promise<Pick<DeadLetterCounts, 'tenants' | 'complete'>> {
    const { tally, complete } = await this.#count(filter, labelLimit);
    return { tenants: tally.tenants, complete };
  }

  /** How many match. */
  async matching(filter: DeadLetterFilter): Promise<number> {
    return (await this.#count(filter, Number.POSITIVE_INFINITY)).tally.matched;
  }

  async #count(filter: DeadLetterFilter, labelLimit: number) {
    const { counts, ...sum } = await this.#labels(filter, labelLimit);
    const matches = deadLetterMatcher(filter);
    const tally = new DeadLetterTally();
    for (const count of counts) if (matches(count.label)) tally.add(count);
    return { tally, ...sum, scanned: counts.reduce((scanned, { count }) => scanned + count, 0) };
  }

  async #labels(filter: DeadLetterFilter, limit: number) {
    const share = Math.ceil(limit / this.#partitions);
    const all = await someAtATime(this.#all(), AT_ONCE, (partition) =>
      countLabels(this.#client, this.#keys.partition(partition), filter, share),
    );
    return {
      counts: all.flatMap(({ counts }) => counts),
      total: all.reduce((sum, { total }) => sum + total, 0),
      complete: all.every(({ isComplete }) => isComplete),
    };
  }

  async #withMessage({ latest, ...cause }: CauseCount): Promise<DeadLetterGroup> {
    return { ...cause, message: (await this.get(latest))?.message ?? '' };
  }

  async get({ partition, entryId }: DeadLetterId): Promise<DeadLetter | null> {
    if (!this.#has(partition)) return null;
    const record = await this.#client.hget(this.#keys.partition(partition).dead, entryId);
    return record === null ? null : readDeadLetter({ partition, entryId }, record);
  }

  /** The tombstone of a dead letter that was discarded in the last week. */
  async tombstone({ partition, entryId }: DeadLetterId): Promise<Tombstone | null> {
    if (!this.#has(partition)) return null;
    const text = await this.#client.hget(this.#keys.partition(partition).tombstones, entryId);
    return text === null ? null : (JSON.parse(text) as Tombstone);
  }

  /** Redrives dead letters, each in one step; the outcomes are in their order. Idempotent: a repeated call finds them gone. */
  async redrive(ids: readonly DeadLetterId[], { jobId }: TallyOptions = {}): Promise<Redriven[]> {
    const outcomes: Redriven[] = [];
    for (const id of ids) {
      const letter = await this.get(id);
      outcomes.push(letter ? await this.#redriveOne(letter, jobId) : { outcome: 'gone' });
    }
    return outcomes;
  }

  /** Discards dead letters for a reason that is kept for a week; says of each whether it was there. Idempotent. */
  async discard(
    ids: readonly DeadLetterId[],
    { reason, by, jobId }: { readonly reason: string; readonly by?: string } & TallyOptions,
  ): Promise<boolean[]> {
    const discardedAtMs = Date.now();
    const outcomes: boolean[] = [];
    for (const id of ids) {
      const letter = await this.get(id);
      if (!letter) {
        outcomes.push(false);
        continue;
      }
      const { entryId, eventId, tenantId, type, code } = letter;
      const discardedAt = new Date(discardedAtMs).toISOString();
      const tombstone: Tombstone = {
        entryId,
        ...(eventId === undefined ? {} : { eventId }),
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(type === undefined ? {} : { type }),
        code,
        reason,
        ...(by === undefined ? {} : { by }),
        discardedAt,
      };
      const k = this.#keys.partition(id.partition);
      const keys = [k.dead, k.deadOrder, k.tombstones, k.tombstoneOrder, k.deadIndex];
      if (jobId !== undefined) keys.push(k.redriven(jobId));
      const args = [
        discardedAtMs,
        TALLY_TTL_MS,
        entryId,
        JSON.stringify(tombstone),
        formatDeadLetterLabel(labelOf(letter)),
      ];
      const [gone] = (await discardScript.run(this.#client, keys, args)) as number[];
      outcomes.push(gone === 1);
    }
    return outcomes;
  }

  /**
   * What a task did so far, by outcome, as the partitions counted it: exact, however often its workers died.
   * @param jobId as it was given to {@link redrive} or {@link discard}
   */
  async tally(jobId: string): Promise<Readonly<Record<'appended' | 'duplicate' | 'discarded', number>>> {
    const sum = { appended: 0, duplicate: 0, discarded: 0 };
    const tallies = await Promise.all(
      this.#all().map((partition) => this.#client.hgetall(this.#keys.partition(partition).redriven(jobId))),
    );
    for (const tally of tallies) {
      sum.appended += Number(tally.appended ?? 0);
      sum.duplicate += Number(tally.duplicate ?? 0);
      sum.discarded += Number(tally.discarded ?? 0);
    }
    return sum;
  }

  async #redriveOne(letter: DeadLetter, jobId: string | undefined): Promise<Redriven> {
    const why = whyNotRedrivable(letter);
    if (why !== null) return { outcome: 'refused', why };
    const keys = this.#keys.partition(letter.partition);
    const outcomes = await reappend(
      this.#client,
      keys,
      { kept: keys.dead, order: keys.deadOrder },
      [redrivable(letter)],
      {
        refusedWhenFull: true,
        ...(jobId === undefined ? {} : { tally: { key: keys.redriven(jobId), ttlMs: TALLY_TTL_MS } }),
      },
    );
    return outcomes?.[0] ?? { outcome: 'full' };
  }

  #all(): number[] {
    return Array.from({ length: this.#partitions }, (_, partition) => partition);
  }

  #has(partition: number): boolean {
    return Number.isInteger(partition) && partition >= 0 && partition < this.#partitions;
  }
}
