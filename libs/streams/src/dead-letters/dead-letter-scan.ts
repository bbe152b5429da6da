import type { EntryId } from '@rejoin/protocol';
import type { Keyspace, PartitionKeys, RedisClient } from '@rejoin/redis';
import { type DeadLetterFilter, deadLetterMatcher } from './dead-letter-filter.ts';
import { parseDeadLetterLabel } from './dead-letter-label.ts';
import { type DeadLetter, labelOf, readDeadLetter } from './kept-dead-letter.ts';

/** A place in the order of an installation's dead letters: latest failure first, then by partition and entry ID. */
export interface ScanPosition {
  readonly failedAtMs: number;
  readonly partition: number;
  readonly entryId: EntryId;
}

/** A place, and the label that stands there. */
interface Labelled extends ScanPosition {
  readonly label: string;
}

/** What a step of a scan came to. */
export interface ScanStep {
  readonly looked: number;
  /** The last place that was looked at; `null` where nothing was left. */
  readonly last: ScanPosition | null;
  readonly found: readonly DeadLetter[];
}

/** Places that one command reads from a partition: at first, for most pages end there, and then. */
const FIRST_PAGE = 20;
const PAGE = 500;
/** Records that one command reads; a record may have a megabyte. */
const RECORDS = 50;

/**
 * Reads dead letters of all partitions in the order of time, latest first, in short commands; a filter looks at their labels, and
 * only what matches is read. What is added meanwhile is not seen; what is removed meanwhile is left out.
 */
export class DeadLetterScan {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #lanes: Lane[];
  readonly #matches: ReturnType<typeof deadLetterMatcher>;

  /** @param after where an earlier scan stopped */
  constructor(
    client: RedisClient,
    keys: Keyspace,
    partitions: readonly number[],
    filter: DeadLetterFilter,
    after: ScanPosition | null,
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#matches = deadLetterMatcher(filter);
    const { sinceMs = null, untilMs = null } = filter;
    this.#lanes = partitions.map((partition) => new Lane(client, keys.partition(partition), sinceMs, untilMs, after));
  }

  /** Looks on, at `max` dead letters at most, until `wanted` of those that match are found. */
  async next(max: number, wanted: number): Promise<ScanStep> {
    const candidates: Labelled[] = [];
    const most = Math.min(wanted, RECORDS);
    let looked = 0;
    let last: ScanPosition | null = null;
    while (looked < max && candidates.length < most) {
      // Thousands are looked at in one call: lanes that have some left are not waited for.
      const empty = this.#lanes.filter((lane) => lane.needsMore);
      if (empty.length > 0) await Promise.all(empty.map((lane) => lane.fill()));
      const place = this.#takeFirst();
      if (!place) break;
      last = place;
      looked += 1;
      const label = parseDeadLetterLabel(place.label);
      if (!label || this.#matches(label)) candidates.push(place);
    }
    const records = await Promise.all(
      candidates.map(({ partition, entryId }) => this.#client.hget(this.#keys.partition(partition).dead, entryId)),
    );
    const found = candidates.flatMap(({ partition, entryId, label }, index) => {
      const record = records[index];
      if (typeof record !== 'string') return [];
      const letter = readDeadLetter({ partition, entryId }, record);
      return label !== '' || this.#matches(labelOf(letter)) ? [letter] : [];
    });
    return { looked, last, found };
  }

  #takeFirst(): Labelled | undefined {
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
  #buffer: Labelled[] = [];
  #page = FIRST_PAGE;
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

  get first(): Labelled | undefined {
    return this.#buffer[0];
  }

  get needsMore(): boolean {
    return this.#buffer.length === 0 && !this.#isOver;
  }

  take(): Labelled | undefined {
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
    const page = this.#page;
    this.#page = PAGE;
    const flat = await this.#client.zrevrangebyscore(
      deadOrder,
      this.#max,
      this.#min,
      'WITHSCORES',
      'LIMIT',
      this.#offset,
      page,
    );
    const found: Labelled[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      const [entryId, label] = split(flat[i] as string);
      found.push({ partition, entryId, label, failedAtMs: Number(flat[i + 1]) });
    }
    const after = this.#after;
    this.#buffer = after ? found.filter((position) => isBefore(after, position)) : found;
    this.#isOver = found.length < page;
    const last = found.at(-1);
    if (!last) return;
    if (!after || isBefore(after, last)) this.#after = last;
    const isOneTime = String(last.failedAtMs) === this.#max;
    this.#max = String(last.failedAtMs);
    this.#offset = isOneTime ? this.#offset + page : 0;
  }
}

/** A member of `dead-order`: entry ID and, behind a space, the label. */
function split(member: string): [EntryId, string] {
  const space = member.indexOf(' ');
  return space === -1 ? [member, ''] : [member.slice(0, space), member.slice(space + 1)];
}

function isBefore(a: ScanPosition, b: ScanPosition): boolean {
  if (a.failedAtMs !== b.failedAtMs) return a.failedAtMs > b.failedAtMs;
  if (a.partition !== b.partition) return a.partition < b.partition;
  return a.entryId > b.entryId;
}
