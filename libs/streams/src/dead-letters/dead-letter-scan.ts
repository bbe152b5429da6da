import { isEntryId } from '@rejoin/protocol';
import { type Keyspace, type RedisClient, someAtATime } from '@rejoin/redis';
import { type DeadLetterFilter, deadLetterMatcher } from './dead-letter-filter.ts';
import { formatDeadLetterId } from './dead-letter-id.ts';
import { parseDeadLetterLabel } from './dead-letter-label.ts';
import { isBefore, type Labelled, type Lane, type ScanPosition } from './dead-letter-lanes.ts';
import { type DeadLetter, labelOf, readDeadLetter } from './kept-dead-letter.ts';

export interface DeadLetterPage {
  /** Latest failure first. */
  readonly items: readonly DeadLetter[];
  /** Where the next page begins, for `after`; `null` at the end. */
  readonly next: string | null;
  /** Dead letters that were looked at for this page. */
  readonly scanned: number;
}

/** Records that are read at once; one may have a megabyte. */
const RECORDS = 50;

/**
 * Reads dead letters of several lanes in the order of time, latest first, page after page, in short commands; a filter looks at their
 * labels, and only what matches is read. What is added meanwhile is not seen; what is removed meanwhile is left out.
 */
export class DeadLetterScan {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #lanes: readonly Lane[];
  readonly #matches: ReturnType<typeof deadLetterMatcher>;
  #position: ScanPosition | null;

  /** @param after where an earlier scan stopped; the lanes begin behind it */
  constructor(
    client: RedisClient,
    keys: Keyspace,
    lanes: readonly Lane[],
    filter: DeadLetterFilter,
    after: ScanPosition | null,
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#lanes = lanes;
    this.#matches = deadLetterMatcher(filter);
    this.#position = after;
  }

  /** Whether the next page misses none that stays, where those of the pages before are removed by now. */
  get survivesRemovals(): boolean {
    return this.#lanes.every((lane) => lane.survivesRemovals);
  }

  /** The next page. It ends where it is full, or where so many were looked at. */
  async page(limit: number, scanLimit: number): Promise<DeadLetterPage> {
    const items: DeadLetter[] = [];
    let scanned = 0;
    while (scanned < scanLimit && items.length < limit) {
      const { candidates, looked, isOver } = await this.#look(
        scanLimit - scanned,
        Math.min(RECORDS, limit - items.length),
      );
      scanned += looked;
      items.push(...(await this.#read(candidates)));
      if (isOver) return { items, next: null, scanned };
    }
    return { items, next: this.#position && formatPosition(this.#position), scanned };
  }

  /** Looks on, at `max` places at most, until `wanted` of them match. */
  async #look(max: number, wanted: number) {
    const candidates: Labelled[] = [];
    let looked = 0;
    while (looked < max && candidates.length < wanted) {
      const place = await this.#takeFirst();
      if (!place) return { candidates, looked, isOver: true };
      this.#position = place;
      looked += 1;
      const label = parseDeadLetterLabel(place.label);
      if (!label || this.#matches(label)) candidates.push(place);
    }
    return { candidates, looked, isOver: false };
  }

  async #read(candidates: readonly Labelled[]): Promise<DeadLetter[]> {
    const records = await Promise.all(
      candidates.map(({ partition, entryId }) => this.#client.hget(this.#keys.partition(partition).dead, entryId)),
    );
    return candidates.flatMap(({ partition, entryId, label }, index) => {
      const record = records[index];
      if (typeof record !== 'string') return [];
      const letter = readDeadLetter({ partition, entryId }, record);
      return label !== '' || this.#matches(labelOf(letter)) ? [letter] : [];
    });
  }

  async #takeFirst(): Promise<Labelled | undefined> {
    let best: Lane | undefined;
    for (const lane of this.#lanes) {
      if (lane.needsMore) {
        await this.#fill();
        return this.#takeFirst();
      }
      if (lane.first && (!best?.first || isBefore(lane.first, best.first))) best = lane;
    }
    return best?.take();
  }

  /** All that are empty at once; those that have some left are not waited for. */
  async #fill(): Promise<void> {
    await someAtATime(
      this.#lanes.filter((lane) => lane.needsMore),
      FILLS,
      (lane) => lane.fill(),
    );
  }
}

/** Lanes that are filled at once. */
const FILLS = 16;

function formatPosition({ failedAtMs, ...id }: ScanPosition): string {
  return `${failedAtMs}.${formatDeadLetterId(id)}`;
}

/** @throws RangeError where `text` is no `next` of a page */
export function parsePosition(text: string): ScanPosition {
  const [, failedAtMs, partition, entryId] = /^(\d{1,16})\.(\d{1,5})\.(\d+-\d+)$/.exec(text) ?? [];
  if (failedAtMs === undefined || partition === undefined || entryId === undefined || !isEntryId(entryId)) {
    throw new RangeError(`"${text.slice(0, 64)}" is not where a page of dead letters begins`);
  }
  return { failedAtMs: Number(failedAtMs), partition: Number(partition), entryId };
}
