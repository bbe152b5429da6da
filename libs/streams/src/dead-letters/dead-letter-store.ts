import { type EntryId, isEntryId } from '@rejoin/protocol';
import { type Keyspace, loadScript, type RedisClient } from '@rejoin/redis';
import { type Reappended, reappend } from '../reappend.ts';
import { type DeadLetterCounts, DeadLetterTally } from './dead-letter-counts.ts';
import { type DeadLetterFilter, deadLetterMatcher } from './dead-letter-filter.ts';
import { type DeadLetterId, formatDeadLetterId } from './dead-letter-id.ts';
import { DeadLetterScan, type ScanPosition } from './dead-letter-scan.ts';
import { type DeadLetter, readDeadLetter, redrivable, whyNotRedrivable } from './kept-dead-letter.ts';

export interface DeadLetterPage {
  /** Latest failure first. */
  readonly items: readonly DeadLetter[];
  /** Where the next page begins, for `after`; `null` at the end. */
  readonly next: string | null;
  /** Dead letters that were looked at for this page. */
  readonly scanned: number;
}

export interface DeadLetterQuery {
  readonly filter?: DeadLetterFilter;
  /** Most items of a page; 50 by default. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string | null;
  /** Most dead letters to look at; 5,000 by default. A page may then hold fewer, or none, and still have a `next`. */
  readonly scanLimit?: number;
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
  async list({ filter = {}, limit = DEFAULT_LIMIT, after, scanLimit }: DeadLetterQuery = {}): Promise<DeadLetterPage> {
    const items: DeadLetter[] = [];
    const { next, scanned } = await this.#scan(filter, after, scanLimit, (letter) => {
      items.push(letter);
      return items.length < limit;
    });
    return { items, next, scanned };
  }

  /**
   * Counts the dead letters that match by cause, tenant and type. What the scan limit (5,000 by default) leaves out, the result
   * says: `complete` is `false`, and the counts are of the latest failures.
   */
  async group({
    filter = {},
    scanLimit,
  }: Pick<DeadLetterQuery, 'filter' | 'scanLimit'> = {}): Promise<DeadLetterCounts> {
    const tally = new DeadLetterTally();
    const { next, scanned } = await this.#scan(filter, null, scanLimit, (letter) => tally.add(letter));
    const counts = await this.counts();
    return tally.result({ scanned, complete: next === null, total: counts.reduce((sum, count) => sum + count, 0) });
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
      const keys = [k.dead, k.deadOrder, k.tombstones, k.tombstoneOrder];
      if (jobId !== undefined) keys.push(k.redriven(jobId));
      const args = [discardedAtMs, TALLY_TTL_MS, entryId, JSON.stringify(tombstone)];
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

  /** Looks at matching dead letters until `take` returns `false`, the scan limit is reached or none is left. */
  async #scan(
    filter: DeadLetterFilter,
    after: string | null | undefined,
    scanLimit: number = DEFAULT_SCAN_LIMIT,
    take: (letter: DeadLetter) => boolean,
  ): Promise<{ readonly next: string | null; readonly scanned: number }> {
    const matches = deadLetterMatcher(filter);
    const from = typeof after === 'string' ? parsePosition(after) : null;
    const scan = new DeadLetterScan(this.#client, this.#keys, this.#all(), filter, from);
    let scanned = 0;
    let position = from;
    while (scanned < scanLimit) {
      const found = await scan.next(scanLimit - scanned);
      if (found.length === 0) return { next: null, scanned };
      for (const { position: at, letter } of found) {
        position = at;
        scanned += 1;
        if (letter && matches(letter) && !take(letter)) return { next: formatPosition(at), scanned };
      }
    }
    return { next: position && formatPosition(position), scanned };
  }

  #all(): number[] {
    return Array.from({ length: this.#partitions }, (_, partition) => partition);
  }

  #has(partition: number): boolean {
    return Number.isInteger(partition) && partition >= 0 && partition < this.#partitions;
  }
}

function formatPosition({ failedAtMs, ...id }: ScanPosition): string {
  return `${failedAtMs}.${formatDeadLetterId(id)}`;
}

function parsePosition(text: string): ScanPosition {
  const [, failedAtMs, partition, entryId] = /^(\d{1,16})\.(\d{1,5})\.(\d+-\d+)$/.exec(text) ?? [];
  if (failedAtMs === undefined || partition === undefined || entryId === undefined || !isEntryId(entryId)) {
    throw new RangeError(`"${text.slice(0, 64)}" is not where a page of dead letters begins`);
  }
  return { failedAtMs: Number(failedAtMs), partition: Number(partition), entryId };
}
