import type { EntryId } from '@rejoin/protocol';
import type { PartitionKeys, RedisClient } from '@rejoin/redis';
import { BlockingConnection } from './blocking-connection.ts';
import { type EntryPage, parsePage, type RawEntries } from './stream-entry.ts';

export interface EventWakerOptions {
  readonly keys: PartitionKeys;
  /** Makes a connection for blocking reads that does not reconnect by itself; the waker closes it. */
  connectBlocking(): RedisClient;
  /** Longest wait of one read, in milliseconds; 1,500 by default. Finite, since the deletion of a key wakes nobody. */
  readonly blockMs?: number;
  /** How long beyond that a read may stay unanswered before its connection is replaced; 3,000 by default. */
  readonly graceMs?: number;
}

/** Entries of one read, which are of 64 KiB at most. */
const READ_COUNT = 64;

/**
 * Waits for entries of one partition, and brings the first of them along. Each partition has a connection of its own: a read
 * that waits for several could not be joined by an owner who comes from its work, and an event would wait with it.
 */
export class EventWaker {
  readonly #options: EventWakerOptions;
  readonly #connection: BlockingConnection;

  constructor(options: EventWakerOptions) {
    this.#options = options;
    this.#connection = new BlockingConnection(options.connectBlocking);
  }

  /**
   * Resolves to the next entries when the event stream has any behind `after`, or to `null` when `signal` is aborted. One wait
   * at a time. Rejects where the read failed; then nothing is known, and the next wait makes a new connection.
   */
  async wait(after: EntryId, signal: AbortSignal): Promise<EntryPage | null> {
    const end = (): void => this.close();
    signal.addEventListener('abort', end);
    try {
      while (!signal.aborted) {
        const raw = await this.#read(after);
        if (raw) return parsePage(raw, after, READ_COUNT);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
    return null;
  }

  /** Closes the connection; a wait under way is rejected. */
  close(): void {
    this.#connection.close();
  }

  async #read(after: EntryId): Promise<RawEntries | undefined> {
    const { keys, blockMs = 1_500, graceMs = 3_000 } = this.#options;
    const reply = await this.#connection.read(
      (client) => client.xread('COUNT', READ_COUNT, 'BLOCK', blockMs, 'STREAMS', keys.events, after),
      blockMs + graceMs,
    );
    return (reply as [key: string, raw: RawEntries][] | null)?.[0]?.[1];
  }
}
