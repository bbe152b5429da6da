import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import { CONSUMER, GROUP, loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';
import { type EntryPage, parsePage, type RawEntries, type StreamEntry } from './stream-entry.ts';

export interface ReadBounds {
  /** Most entries of a page; 128 by default, so that neither worker nor Redis is held for more than some milliseconds. */
  readonly maxEntries: number;
  /** Bytes of payload that a page is to have at most, as far as the last pages let it be foreseen; 4 MiB by default. */
  readonly maxBytes: number;
}

/** Where an owner begins. */
export interface ReadingStart {
  /** Everything up to this entry is handled. */
  readonly position: EntryId;
  /** What lies behind `position` up to this entry was in an owner's hands before. */
  readonly delivered: EntryId;
  /** Of those the ones whose payload is gone, ascending. */
  readonly missing: readonly EntryId[];
}

const DEFAULT_BOUNDS: ReadBounds = { maxEntries: 128, maxBytes: 4 * 1024 ** 2 };
/** Of a first page, when nothing is known about the size of its entries, which are of 64 KiB at most. */
const FIRST_ENTRIES = 64;

const startScript = loadScript('reading-start', import.meta.url);
const takeScript = loadScript('take', import.meta.url);
const trialScript = loadScript('trial', import.meta.url);

/**
 * Reads one partition's event stream for its owner. Reading changes nothing in Redis: an entry is handled when fan-out has
 * moved `done` and the consumer group over it, and fan-out accepts only what follows `done` immediately. So a lost reply, a
 * repeated command or a reader whose lease is gone costs nothing but the reading.
 */
export class EventReader {
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  readonly #token: string;
  readonly #bounds: ReadBounds;
  #entries: number;

  /** @param token the fencing token of the partition's lease */
  constructor(client: RedisClient, keys: PartitionKeys, token: string, bounds: Partial<ReadBounds> = {}) {
    this.#client = client;
    this.#keys = keys;
    this.#token = token;
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds };
    this.#entries = Math.min(FIRST_ENTRIES, this.#bounds.maxEntries);
  }

  /**
   * Makes the consumer group, and the stream, where they are missing, and says where to begin. See `reading-start.lua`.
   * @throws FencedError where the lease is not held any more
   */
  async start(): Promise<ReadingStart> {
    const { lease, events, done, handled, feed } = this.#keys;
    const keys = [lease, events, done, handled, feed];
    const reply = await runFenced(startScript, this.#client, this.#keys, keys, [this.#token, GROUP]);
    const [position, delivered, ...missing] = reply as [EntryId, EntryId, ...EntryId[]];
    return { position, delivered, missing };
  }

  /** The entries behind `after`, without waiting for any. */
  async read(after: EntryId): Promise<EntryPage> {
    const count = this.#entries;
    const reply = await this.#client.xread('COUNT', count, 'STREAMS', this.#keys.events, after);
    const page = parsePage((reply?.[0]?.[1] ?? []) as RawEntries, after, count);
    this.#foresee(page.entries);
    return page;
  }

  /**
   * Takes up to `count` entries into the pending entries list, so that operators see them in hand. The list is no more
   * than that: nothing depends on it. See `take.lua`.
   * @returns how many were taken
   * @throws FencedError where the lease is not held any more
   */
  async take(count: number): Promise<number> {
    const { lease, events } = this.#keys;
    const args = [this.#token, GROUP, CONSUMER, count] as const;
    return (await runFenced(takeScript, this.#client, this.#keys, [lease, events], args)) as number;
  }

  /**
   * Records that an entry of an earlier owner's is about to be run, and says how often that was recorded now: a worker that
   * dies of it leaves the count behind. See `trial.lua`.
   * @throws FencedError where the lease is not held any more
   */
  async recordTrial(entryId: EntryId): Promise<number> {
    const { lease, trial } = this.#keys;
    return (await runFenced(trialScript, this.#client, this.#keys, [lease, trial], [this.#token, entryId])) as number;
  }

  /** The exact bytes of an entry's field `event`; `null` where it is gone or has none. */
  async eventBytes(entryId: EntryId): Promise<Buffer | null> {
    const entries = await this.#client.xrangeBuffer(this.#keys.events, entryId, entryId);
    const fields = entries[0]?.[1] ?? [];
    for (let i = 0; i < fields.length; i += 2) {
      if (String(fields[i]) === 'event') return fields[i + 1] as Buffer;
    }
    return null;
  }

  /** The next page is as large as entries like these allow. */
  #foresee(entries: readonly StreamEntry[]): void {
    if (entries.length === 0) return;
    const { maxEntries, maxBytes } = this.#bounds;
    let length = 0;
    for (const { content } of entries) length += content.kind === 'event' ? content.text.length : 1;
    this.#entries = Math.max(1, Math.min(maxEntries, Math.floor((maxBytes * entries.length) / length)));
  }
}

/** Puts pending entries whose payload is gone into their places in a page that was read from the stream. */
export function withMissing(page: EntryPage, missing: readonly EntryId[], after: EntryId): EntryPage {
  const within = missing.filter(
    (id) => compareEntryIds(id, after) > 0 && (!page.more || compareEntryIds(id, page.position) < 0),
  );
  if (within.length === 0) return page;
  const gone = within.map((entryId): StreamEntry => ({ entryId, content: { kind: 'missing' } }));
  const entries = [...page.entries, ...gone].sort((a, b) => compareEntryIds(a.entryId, b.entryId));
  return { ...page, entries, position: entries.at(-1)?.entryId ?? page.position };
}
