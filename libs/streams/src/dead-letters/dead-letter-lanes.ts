import type { EntryId } from '@rejoin/protocol';
import type { PartitionKeys, RedisClient } from '@rejoin/redis';
import type { DeadLetterFilter } from './dead-letter-filter.ts';
import { indexTime, MAX_MS, placeInIndex } from './dead-letter-label.ts';

/** A place in the order of an installation's dead letters: latest failure first, then by partition and entry ID. */
export interface ScanPosition {
  readonly failedAtMs: number;
  readonly partition: number;
  readonly entryId: EntryId;
}

/** A place, and the label that stands there; an empty one where there is none. */
export interface Labelled extends ScanPosition {
  readonly label: string;
}

/** Some dead letters of one partition, latest failure first, read a page at a time. */
export interface Lane {
  /** Whether it misses none that stays where others, which it returned, are removed while it is read. */
  readonly survivesRemovals: boolean;
  readonly first: Labelled | undefined;
  readonly needsMore: boolean;
  fill(): Promise<void>;
  take(): Labelled | undefined;
}

/** Where and between which times a lane reads. */
export interface LaneBounds extends Pick<DeadLetterFilter, 'sinceMs' | 'untilMs'> {
  /** Where an earlier scan stopped. */
  readonly after: ScanPosition | null;
}

/** Places that one command reads from a lane: at first, for most pages end there, and then. */
const FIRST_PAGE = 20;
const PAGE = 200;

/** A lane that keeps what was read and not taken yet. */
abstract class PagedLane implements Lane {
  abstract readonly survivesRemovals: boolean;
  #places: Labelled[] = [];
  #next = 0;
  #isOver = false;
  #page = FIRST_PAGE;

  get first(): Labelled | undefined {
    return this.#places[this.#next];
  }

  get needsMore(): boolean {
    return this.#next === this.#places.length && !this.#isOver;
  }

  take(): Labelled | undefined {
    return this.#places[this.#next++];
  }

  abstract fill(): Promise<void>;

  /** Size of the page that is to be read now. */
  protected nextPage(): number {
    const page = this.#page;
    this.#page = PAGE;
    return page;
  }

  protected put(places: Labelled[], isOver: boolean): void {
    this.#places = places;
    this.#next = 0;
    this.#isOver = isOver;
  }
}

/** One partition's dead letters, latest failure first; of one time, greater entry IDs (as texts) first. */
export class PartitionLane extends PagedLane {
  /** It counts within one time. */
  readonly survivesRemovals = false;
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  readonly #min: string;
  /** The latest time from which on there may be more. */
  #max: string;
  /** Up to here all was read. */
  #after: ScanPosition | null;
  /** Dead letters of the time `#max` that were read already. */
  #offset = 0;

  constructor(client: RedisClient, keys: PartitionKeys, { sinceMs, untilMs, after }: LaneBounds) {
    super();
    this.#client = client;
    this.#keys = keys;
    this.#min = String(sinceMs ?? '-inf');
    const top = Math.min(untilMs ?? Number.POSITIVE_INFINITY, after?.failedAtMs ?? Number.POSITIVE_INFINITY);
    this.#max = Number.isFinite(top) ? String(top) : '+inf';
    this.#after = after;
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
    const page = this.nextPage();
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
    this.put(after ? found.filter((position) => isBefore(after, position)) : found, found.length < page);
    const last = found.at(-1);
    if (!last) return;
    if (!after || isBefore(after, last)) this.#after = last;
    const isOneTime = String(last.failedAtMs) === this.#max;
    this.#max = String(last.failedAtMs);
    this.#offset = isOneTime ? this.#offset + page : 0;
  }
}

/** One partition's dead letters with one label, from the index: none is read that does not match. */
export class LabelLane extends PagedLane {
  readonly survivesRemovals = true;
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  readonly #label: string;
  readonly #min: string;
  #max: string;

  constructor(client: RedisClient, keys: PartitionKeys, label: string, { sinceMs = 0, untilMs, after }: LaneBounds) {
    super();
    this.#client = client;
    this.#keys = keys;
    this.#label = label;
    this.#min = `[${label} ${indexTime(sinceMs)}`;
    this.#max = `(${label} ${indexTime(untilMs ?? MAX_MS)}!`;
    if (!after || after.failedAtMs > (untilMs ?? MAX_MS)) return;
    const time = `${label} ${indexTime(after.failedAtMs)}`;
    // Of one time, partitions come in their order; `!` is what comes behind a space.
    const isPassed = keys.partition < after.partition;
    this.#max = keys.partition === after.partition ? `(${time} ${after.entryId}` : `(${time}${isPassed ? '' : '!'}`;
  }

  async fill(): Promise<void> {
    const { partition, deadIndex } = this.#keys;
    const page = this.nextPage();
    const members = await this.#client.zrevrangebylex(deadIndex, this.#max, this.#min, 'LIMIT', 0, page);
    const label = this.#label;
    const places = members.map((member) => {
      const [failedAtMs, entryId] = placeInIndex(member, label);
      return { partition, entryId, failedAtMs, label };
    });
    this.put(places, members.length < page);
    const last = members.at(-1);
    if (last !== undefined) this.#max = `(${last}`;
  }
}

/** A member of `dead-order`: entry ID and, behind a space, the label. */
function split(member: string): [EntryId, string] {
  const space = member.indexOf(' ');
  return space === -1 ? [member, ''] : [member.slice(0, space), member.slice(space + 1)];
}

export function isBefore(a: ScanPosition, b: ScanPosition): boolean {
  if (a.failedAtMs !== b.failedAtMs) return a.failedAtMs > b.failedAtMs;
  if (a.partition !== b.partition) return a.partition < b.partition;
  return a.entryId > b.entryId;
}
