import type { EntryId } from '@rejoin/protocol';
import { type Keyspace, type RedisClient, reconnectDelayMs } from '@rejoin/redis';
import { BlockingConnection } from './blocking-connection.ts';
import { pause } from './pause.ts';
import { type EntryPage, parsePage, type RawEntries } from './stream-entry.ts';

export interface EventWakerOptions {
  readonly keys: Keyspace;
  /**
   * `standalone`: one blocking read waits for all partitions. `cluster`: each has its own, for one command reaches one slot
   * only.
   */
  readonly topology: 'standalone' | 'cluster';
  /** Makes a connection for blocking reads that does not reconnect by itself; the waker closes it. */
  connectBlocking(): RedisClient;
  /** Called for every failure of a read. */
  onError(error: unknown): void;
  /** Longest wait of one read, in milliseconds; 1,500 by default. Finite, since the deletion of a key wakes nobody. */
  readonly blockMs?: number;
  /** How long beyond that a read may stay unanswered before its connection is replaced; 3,000 by default. */
  readonly graceMs?: number;
}

/** Waits for entries of several partitions at once, and brings the first of them along. */
export class EventWaker {
  readonly #options: EventWakerOptions;
  readonly #lanes = new Map<string, Lane>();

  constructor(options: EventWakerOptions) {
    this.#options = options;
  }

  /** Announces that a partition's owner will wait. */
  join(partition: number): void {
    const name = this.#laneName(partition);
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = new Lane(this.#options);
      this.#lanes.set(name, lane);
    }
    lane.members.add(partition);
  }

  /** Announces that a partition's owner will wait no more. */
  async leave(partition: number): Promise<void> {
    const name = this.#laneName(partition);
    const lane = this.#lanes.get(name);
    lane?.members.delete(partition);
    if (!lane || lane.members.size > 0) return;
    this.#lanes.delete(name);
    await lane.close();
  }

  /**
   * Resolves to the next entries when the event stream has any after `after`, or to `null` when `signal` is aborted. Rejects
   * where the read failed; then nothing is known.
   */
  wait(partition: number, after: EntryId, signal: AbortSignal): Promise<EntryPage | null> {
    const lane = this.#lanes.get(this.#laneName(partition));
    if (!lane?.members.has(partition)) throw new RangeError(`partition ${partition} has not joined`);
    return lane.wait(partition, after, signal);
  }

  #laneName(partition: number): string {
    return this.#options.topology === 'cluster' ? String(partition) : 'all';
  }
}

interface Wait {
  readonly after: EntryId;
  resolve(page: EntryPage): void;
  reject(error: Error): void;
}

/** Entries per partition and read. They are of 64 KiB at most, and several partitions may have some. */
const READ_COUNT = 64;
/** How long a read is put off for owners that are about to wait again, so that it can include them. */
const BUSY_GRACE_MS = 2;
/** How long a read waits while an owner is at work that it does not include. */
const BUSY_BLOCK_MS = 10;

/**
 * One blocking connection and the partitions it waits for. A read cannot be joined while it waits. So while some owners
 * are at work, reads are short, and right after an owner was woken, the next one is put off until it waits again: it
 * mostly does within a millisecond.
 */
class Lane {
  readonly members = new Set<number>();
  readonly #options: EventWakerOptions;
  readonly #connection: BlockingConnection;
  readonly #waits = new Map<number, Wait>();
  readonly #loop: Promise<void>;
  readonly #closed = new AbortController();
  #changed: () => void = () => undefined;

  constructor(options: EventWakerOptions) {
    this.#options = options;
    this.#connection = new BlockingConnection(options.connectBlocking);
    this.#loop = this.#run();
  }

  wait(partition: number, after: EntryId, signal: AbortSignal): Promise<EntryPage | null> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        resolve(null);
        return;
      }
      const abort = (): void => settle(() => resolve(null));
      const settle = (outcome: () => void): void => {
        signal.removeEventListener('abort', abort);
        if (this.#waits.get(partition) === wait) this.#waits.delete(partition);
        outcome();
      };
      const wait: Wait = {
        after,
        resolve: (page) => settle(() => resolve(page)),
        reject: (error) => settle(() => reject(error)),
      };
      signal.addEventListener('abort', abort);
      this.#waits.set(partition, wait);
      this.#changed();
    });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#changed();
    this.#connection.close();
    await this.#loop;
  }

  get #allWait(): boolean {
    return this.#waits.size >= this.members.size;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      if (this.#waits.size === 0) {
        await this.#change();
        continue;
      }
      const putOffUntilMs = performance.now() + BUSY_GRACE_MS;
      while (!this.#allWait && performance.now() < putOffUntilMs) await this.#change(BUSY_GRACE_MS);
      if (this.#closed.signal.aborted || this.#waits.size === 0) continue;
      try {
        await this.#read();
        failures = 0;
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        this.#options.onError(error);
        for (const wait of this.#waits.values()) wait.reject(error as Error);
        await pause(reconnectDelayMs(failures++), this.#closed.signal);
      }
    }
  }

  async #read(): Promise<void> {
    const { keys, blockMs = 1_500, graceMs = 3_000 } = this.#options;
    const block = this.#allWait ? blockMs : Math.min(BUSY_BLOCK_MS, blockMs);
    const byKey = new Map(
      [...this.#waits].map(([partition, wait]) => [keys.partition(partition).events, { partition, wait }]),
    );
    const reply = await this.#connection.read(
      (client) =>
        client.xread(
          'COUNT',
          READ_COUNT,
          'BLOCK',
          block,
          'STREAMS',
          ...byKey.keys(),
          ...[...byKey.values()].map(({ wait }) => wait.after),
        ),
      block + graceMs,
    );
    for (const [key, raw] of (reply ?? []) as [key: string, raw: RawEntries][]) {
      const wait = byKey.get(key)?.wait;
      wait?.resolve(parsePage(raw, wait.after, READ_COUNT));
    }
  }

  /** Resolves when somebody begins to wait or the lane is closed, after `timeoutMs` at the latest. */
  async #change(timeoutMs?: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#changed = resolve;
      if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
  }
}
