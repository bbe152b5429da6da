import type { Timers } from '@rejoin/jobs';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { dueTimesBy, type Release, releaseParked, releaseScheduled } from '@rejoin/streams';
import type { WorkerCounters } from './worker-counters.ts';

export interface ReleasesOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly timers: Pick<Timers, 'set'>;
  readonly counters: WorkerCounters;
}

/** How far ahead timers are set, in milliseconds: longer than from one sweep to the next. */
const AHEAD_MS = 5_000;
/** How long after its time an event counts as one whose timer was lost. */
const OVERDUE_MS = 1_000;

/**
 * Brings parked and scheduled events to the tail when their time has come: a timer wakes some worker, which releases what is
 * due. The sweep sets the timers, from what Redis keeps, and releases what is overdue, so a lost timer costs a second or two.
 */
export class Releases {
  readonly #options: ReleasesOptions;

  constructor(options: ReleasesOptions) {
    this.#options = options;
  }

  /** Releases the events of a partition that are due. Idempotent; any worker may do it. */
  release(partition: number): Promise<void> {
    return this.#releaseUntil(partition, Date.now());
  }

  /** @throws Error where the timers could not be set */
  async sweep(partition: number): Promise<void> {
    const { client, keys, timers } = this.#options;
    const nowMs = Date.now();
    const times = await dueTimesBy(client, keys.partition(partition), nowMs + AHEAD_MS);
    if (times.length === 0) return;
    if (times.some((time) => time < nowMs - OVERDUE_MS)) await this.#releaseUntil(partition, nowMs - OVERDUE_MS);
    await timers.set(
      partition,
      times.filter((time) => time >= nowMs - OVERDUE_MS),
    );
  }

  async #releaseUntil(partition: number, untilMs: number): Promise<void> {
    const { client, keys } = this.#options;
    const partitionKeys = keys.partition(partition);
    for (const release of [releaseScheduled, releaseParked]) {
      let released: Release;
      do {
        released = await release(client, partitionKeys, untilMs);
        this.#options.counters.released += released.outcomes.filter(({ outcome }) => outcome === 'appended').length;
      } while (released.more);
    }
  }
}
