import type { EntryId } from '@rejoin/protocol';
import type { Keyspace, PartitionKeys, RedisClient } from '@rejoin/redis';
import type { DeadLetterFilter } from './dead-letter-filter.ts';
import { type DeadLetter, readDeadLetter } from './kept-dead-letter.ts';

/** A place in the order of an installation's dead letters: latest failure first, then by partition and entry ID. */
export interface ScanPosition {
  readonly failedAtMs: number;
  readonly partition: number;
  readonly entryId: EntryId;
}

/** IDs that one command reads from a partition. */
const PAGE = 200;
/** Records that one command reads; a record may have a megabyte. */
const RECORDS = 50;

/**
 * Reads dead letters of all partitions in the order of time, latest first, in short commands. What is added meanwhile is
 * not seen; what is removed meanwhile is left out.
 */
export class DeadLetterScan {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #lanes: Lane[];

  /** @param after where an earlier scan stopped */
  constructor(
    client: RedisClient,
    keys: Keyspace,
    partitions: readonly number[],
    { sinceMs, untilMs }: Pick<DeadLetterFilter, 'sinceMs' | 'untilMs'>,
    after: ScanPosition | null,
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#lanes = partitions.map(
      (partition) => new Lane(client, keys.partition(partition), sinceMs ?? null, untilMs ?? null, after),
    );
  }

  /** The next dead letters with their places, at most `RECORDS` of them; none at the end. */
  async next(max: number): Promise<{ readonly position: ScanPosition; readonly letter: DeadLetter | null }[]> {
    const positions: ScanPosition[] = [];
    while (positions.length < Math.min(max, RECORDS)) {
      // Thousands are looked at in one call: lanes that have some left are not waited for.
      const empty = this.#lanes.filter((lane) => lane.needsMore);
      if (empty.length > 0) await Promise.all(empty.map((lane) => lane.fill()));
      const position = this.#takeFirst();
      if (!position) break;
      positions.push(position);
    }
    const records = await Promise.all(
      positions.map(({ partition, entryId }) => this.#client.hget(this.#keys.partition(partition).dead, entryId)),
    );
    return positions.map((position, index) => {
      const { partition, entryId } = position;
      const record = records[index];
      return { position, letter: typeof record === 'string' ? readDeadLetter({ partition, entryId }, record) : null };
    });
  }

  #takeFirst(): ScanPosition | undefined {
    let best: Lane | undefined;
    for (const lane of this.#lanes) {
      if (lane.first && (!best?.first || isBefore(lane.first, best.first))) best = lane;
    }
    return best?.take();
  }
}

/** One partition's dead letters, latest failure first; of one time, greater entry IDs (as texts) first. */
class Lane {
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  readonly #min: string;
  /** The latest time from which on there may be more. */
  #max: string;
  /** Up to here all was read. */
  #after: ScanPosition | null;
  /** Dead letters of the time `#max` that were read already. */
  #offset = 0;
  #buffer: ScanPosition[] = [];
  #isOver = false;

  constructor(
    client: RedisClient,
    keys: PartitionKeys,
    sinceMs: number | null,
    untilMs: number | null,
    after: ScanPosition | null,
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#min = String(sinceMs ?? '-inf');
    const top = Math.min(untilMs ?? Number.POSITIVE_INFINITY, after?.failedAtMs ?? Number.POSITIVE_INFINITY);
    this.#max = Number.isFinite(top) ? String(top) : '+inf';
    this.#after = after;
  }

  get first(): ScanPosition | undefined {
    return this.#buffer[0];
  }

  get needsMore(): boolean {
    return this.#buffer.length === 0 && !this.#isOver;
  }

  take(): ScanPosition | undefined {
    return this.#buffer.shift();
  }

  async fill(): Promise<void> {
    while (this.needsMore) await this.#readPage();
  }

  /**
   * Goes on at the time of the last one read, and not at its rank: what is removed meanwhile then moves nothing out of
   * sight. Only within one time, of which there may be thousands, does it count.
   */
  async #readPage(): Promise<void> {
    const { partition, deadOrder } = this.#keys;
    const flat = await this.#client.zrevrangebyscore(
      deadOrder,
      this.#max,
      this.#min,
      'WITHSCORES',
      'LIMIT',
      this.#offset,
      PAGE,
    );
    const found: ScanPosition[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      found.push({ partition, entryId: flat[i] as EntryId, failedAtMs: Number(flat[i + 1]) });
    }
    const after = this.#after;
    this.#buffer = after ? found.filter((position) => isBefore(after, position)) : found;
    this.#isOver = found.length < PAGE;
    const last = found.at(-1);
    if (!last) return;
    if (!after || isBefore(after, last)) this.#after = last;
    const isOneTime = String(last.failedAtMs) === this.#max;
    this.#max = String(last.failedAtMs);
    this.#offset = isOneTime ? this.#offset + PAGE : 0;
  }
}

function isBefore(a: ScanPosition, b: ScanPosition): boolean {
  if (a.failedAtMs !== b.failedAtMs) return a.failedAtMs > b.failedAtMs;
  if (a.partition !== b.partition) return a.partition < b.partition;
  return a.entryId > b.entryId;
}
