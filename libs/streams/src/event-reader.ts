import type { EntryId } from '@rejoin/protocol';
import { CONSUMER, GROUP, loadScript, type PartitionKeys, type RedisClient, type Script } from '@rejoin/redis';
import { type Attempts, readAttempts } from './attempts.ts';
import { PausedError } from './errors.ts';
import { runFenced } from './fenced.ts';

/** What an entry of the event stream holds. */
export type EntryContent =
  /** The text of its field `event`. Bytes that are not UTF-8 stand in it as U+FFFD; see {@link EventReader.eventBytes}. */
  | {
      readonly kind: 'event';
      readonly text: string;
      /** Where it was tried before, under another entry ID. */
      readonly attempts?: Attempts;
    }
  /** It has no field `event`: its fields and values, one after the other. */
  | { readonly kind: 'fields'; readonly fields: readonly string[] }
  /** It is pending, but its payload was removed from the stream. */
  | { readonly kind: 'missing' };

export interface StreamEntry {
  readonly entryId: EntryId;
  readonly content: EntryContent;
}

export interface EntryPage {
  /** Ascending by entry ID. */
  readonly entries: readonly StreamEntry[];
  /** Nothing up to this entry is left to read. */
  readonly position: EntryId;
  /** Whether there may be more now. */
  readonly more: boolean;
  /**
   * Length of the pending entries list in the moment of reading, a taken page included. Where it is not what the owner has
   * in hand, an earlier page was taken whose reply never came: a client may repeat a command whose connection was cut
   * without saying so, and the repeated one finds other entries, or none.
   */
  readonly pending: number;
}

export interface ReadBounds {
  /** Most entries of a page; 500 by default. */
  readonly maxEntries: number;
  /** Bytes of payload after which a page is closed; 4 MiB by default. */
  readonly maxBytes: number;
}

const DEFAULT_BOUNDS: ReadBounds = { maxEntries: 500, maxBytes: 4 * 1024 ** 2 };

const takeScript = loadScript('take', import.meta.url);
const pendingScript = loadScript('pending', import.meta.url);
const trialScript = loadScript('trial', import.meta.url);
const groupScript = loadScript('group-create', import.meta.url);

/**
 * Reads one partition's event stream as the consumer group's one consumer, under a lease. Every method throws
 * {@link FencedError} where the lease is not held any more, and then has read nothing.
 *
 * A page whose reply was lost is in the pending entries list, unhandled: after any failure the owner reads that list from
 * its beginning before it takes anything new.
 */
export class EventReader {
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  readonly #token: string;
  readonly #bounds: ReadBounds;

  /** @param token the fencing token of the partition's lease */
  constructor(client: RedisClient, keys: PartitionKeys, token: string, bounds: Partial<ReadBounds> = {}) {
    this.#client = client;
    this.#keys = keys;
    this.#token = token;
    this.#bounds = { ...DEFAULT_BOUNDS, ...bounds };
  }

  /** Makes the consumer group, and the stream, where they are missing; from `done`, so that nothing accepted is skipped. */
  async ensureGroup(): Promise<void> {
    const { lease, events, done, handled, feed } = this.#keys;
    await runFenced(groupScript, this.#client, this.#keys, [lease, events, done, handled, feed], [this.#token, GROUP]);
  }

  /**
   * Takes the next entries that were never delivered. See `take.lua`.
   * @throws PausedError where the partition is paused
   */
  async take(): Promise<EntryPage> {
    const { lease, events, paused, partition } = this.#keys;
    try {
      return await this.#read(takeScript, [lease, events, paused], [CONSUMER]);
    } catch (error) {
      if ((error as Error).message.startsWith('PAUSED')) throw new PausedError(partition, { cause: error });
      throw error;
    }
  }

  /** Reads the entries after `after` that were delivered and not acknowledged. See `pending.lua`. */
  pending(after: EntryId): Promise<EntryPage> {
    return this.#read(pendingScript, [this.#keys.lease, this.#keys.events], [after]);
  }

  /**
   * Records that an entry of an earlier owner's is about to be run, and says how often that was recorded now: a worker that
   * dies of it leaves the count behind. See `trial.lua`.
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

  async #read(script: Script, keys: readonly string[], args: readonly string[]): Promise<EntryPage> {
    const { maxEntries, maxBytes } = this.#bounds;
    const reply = (await runFenced(script, this.#client, this.#keys, keys, [
      this.#token,
      GROUP,
      ...args,
      maxEntries,
      maxBytes,
    ])) as [more: number, position: EntryId, pending: number, ...flat: (string | readonly string[] | null)[]];
    const entries: StreamEntry[] = [];
    for (let i = 3; i < reply.length; i += 2) {
      entries.push({
        entryId: reply[i] as EntryId,
        content: parseContent(reply[i + 1] as string | readonly string[] | null),
      });
    }
    return { entries, position: reply[1], more: reply[0] === 1, pending: reply[2] };
  }
}

function parseContent(content: string | readonly string[] | null): EntryContent {
  if (content === null) return { kind: 'missing' };
  return typeof content === 'string' ? { kind: 'event', text: content } : parseFields(content);
}

/** The first of several fields of one name counts. */
function parseFields(fields: readonly string[]): EntryContent {
  const at = fields.findIndex((field, index) => index % 2 === 0 && field === 'event');
  const text = at === -1 ? undefined : fields[at + 1];
  if (text === undefined) return { kind: 'fields', fields };
  const attempts = readAttempts(fields);
  return attempts ? { kind: 'event', text, attempts } : { kind: 'event', text };
}
