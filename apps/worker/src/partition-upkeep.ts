import { ENTRY_ID_ZERO } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import {
  type DeadLetterRetention,
  FencedError,
  feedExcessBytes,
  markUpkept,
  removeIdleConsumers,
  retainDeadLetters,
  rotateSeen,
  trimEvents,
  trimFeed,
} from '@rejoin/streams';

export interface PartitionUpkeepOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  readonly windowMs: number;
  /** Feed bytes over all partitions. */
  readonly maxBytes: number;
  readonly deadLetters: DeadLetterRetention;
  /** How long it counts as done, in milliseconds. */
  readonly dueMs: number;
}

/** How long one partition's upkeep may take, in milliseconds; what is left waits for the next time. */
const BUDGET_MS = 200;

/**
 * Looks after one partition, in short scripts: trims its streams, ages its seen digests, gives up old dead letters and idle
 * consumers. Any worker may do it, under the lease that somebody holds: where it changes hands meanwhile, the rest is left to the
 * next time. Each step may be repeated, so one that was half done when its worker died is neither lost nor doubled.
 */
export class PartitionUpkeep {
  readonly #options: PartitionUpkeepOptions;

  constructor(options: PartitionUpkeepOptions) {
    this.#options = options;
  }

  /** Does nothing for a partition without an owner. @param signal ends it between two steps */
  async run(partition: number, signal: AbortSignal): Promise<void> {
    const token = await this.#options.client.get(this.#options.keys.partition(partition).lease);
    if (token === null) return;
    try {
      await this.#lookAfter(partition, token, signal);
    } catch (error) {
      // Another owner has come; the next time is his.
      if (!(error instanceof FencedError)) throw error;
    }
  }

  /** Which of these were not looked after lately: the job was lost, or nobody runs jobs. */
  async due(partitions: readonly number[]): Promise<number[]> {
    const { client, keys } = this.#options;
    const done = await Promise.all(partitions.map((partition) => client.exists(keys.partition(partition).upkept)));
    return partitions.filter((_, index) => done[index] === 0);
  }

  async #lookAfter(partition: number, token: string, signal: AbortSignal): Promise<void> {
    const { client, windowMs, maxBytes, deadLetters, dueMs } = this.#options;
    const keys = this.#options.keys.partition(partition);
    const untilMs = performance.now() + BUDGET_MS;
    const goOn = (): boolean => performance.now() < untilMs && !signal.aborted;
    while (goOn() && (await trimEvents(client, keys, token)) > 0);
    // Before the bytes: whoever trims in between moves it.
    let measuredAt = (await client.get(keys.floor)) ?? ENTRY_ID_ZERO;
    for (let excessBytes = feedExcessBytes(await this.#feedBytes(), partition, maxBytes); goOn(); ) {
      const { removedBytes, more, floor } = await trimFeed(client, keys, token, { windowMs, excessBytes, measuredAt });
      if (!more) break;
      excessBytes = Math.max(0, excessBytes - removedBytes);
      measuredAt = floor;
    }
    while (goOn() && (await retainDeadLetters(client, keys, token, deadLetters)).more);
    await rotateSeen(client, keys, token);
    await removeIdleConsumers(client, keys, token);
    if (!signal.aborted) await markUpkept(client, keys, token, dueMs);
  }

  async #feedBytes(): Promise<number[]> {
    const { client, keys, partitions } = this.#options;
    const values = await Promise.all(
      Array.from({ length: partitions }, (_, partition) => client.get(keys.partition(partition).feedBytes)),
    );
    return values.map((value) => Math.max(0, Number(value ?? 0)));
  }
}
