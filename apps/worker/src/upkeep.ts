import type { Keyspace, PartitionKeys, RedisClient } from '@rejoin/redis';
import type { Logger } from '@rejoin/runtime';
import {
  type DeadLetterRetention,
  FencedError,
  feedExcessBytes,
  type PartitionLease,
  pause,
  retainDeadLetters,
  rotateSeen,
  trimEvents,
  trimFeed,
  watchMemory,
} from '@rejoin/streams';
import { FailureLog } from './failure-log.ts';
import type { PartitionHistory } from './partition-history.ts';
import type { Releases } from './releases.ts';

export interface UpkeepOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  readonly topology: 'standalone' | 'cluster';
  /** The partitions to look after: those whose leases are held. */
  leases(): readonly PartitionLease[];
  history(partition: number): PartitionHistory;
  readonly windowMs: number;
  /** Feed bytes over all partitions. */
  readonly maxBytes: number;
  readonly deadLetters: DeadLetterRetention;
  /** Percent of maxmemory above which publishing is refused. */
  readonly memoryPercent: number;
  readonly releases: Releases;
  /** Milliseconds between two rounds; 1,000 by default. */
  readonly intervalMs?: number;
  readonly logger: Logger;
}

/** How long one partition's trimming may take in a round, in milliseconds; what is left waits for the next. */
const TRIM_BUDGET_MS = 200;
/** Rounds between two looks at what changes slowly. */
const SLOW_ROUNDS = 5;

/**
 * Looks after the partitions that this worker owns: sees to it that events are released when they are due, trims streams, ages the seen digests, refuses publishing when memory
 * is short, and checks now and then that the history is whole. One partition after the other, in short scripts.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stopping = new AbortController();
  readonly #full = new Set<number>();
  #loop: Promise<void> | undefined;
  readonly #failureLog: FailureLog;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#failureLog = new FailureLog(options.logger, 'upkeep failed and will be repeated');
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Idempotent; resolves when no round is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { intervalMs = 1_000 } = this.#options;
    for (let round = 0; !this.#stopping.signal.aborted; round += 1) {
      const startedMs = performance.now();
      try {
        await this.#round(round % SLOW_ROUNDS === 0);
      } catch (error) {
        this.#failureLog.report(error);
      }
      await pause(Math.max(20, startedMs + intervalMs - performance.now()), this.#stopping.signal);
    }
  }

  async #round(isSlow: boolean): Promise<void> {
    const { keys, leases } = this.#options;
    const owned = leases();
    if (owned.length === 0) return;
    const feedBytes = await this.#feedBytes();
    await this.#watchMemory(owned);
    for (const lease of owned) {
      if (this.#stopping.signal.aborted) return;
      if (!lease.held) continue;
      try {
        await this.#lookAfter(lease, keys.partition(lease.partition), feedBytes, isSlow);
      } catch (error) {
        // The next owner does it.
        if (!(error instanceof FencedError)) this.#failureLog.report(error, { partition: lease.partition });
      }
    }
  }

  async #lookAfter(
    lease: PartitionLease,
    keys: PartitionKeys,
    feedBytes: readonly number[],
    isSlow: boolean,
  ): Promise<void> {
    const { client, windowMs, maxBytes, history } = this.#options;
    const { token, partition } = lease;
    const untilMs = performance.now() + TRIM_BUDGET_MS;
    const goOn = (): boolean => lease.held && performance.now() < untilMs && !this.#stopping.signal.aborted;
    while (goOn() && (await trimEvents(client, keys, token)) > 0);
    for (let excessBytes = feedExcessBytes(feedBytes, partition, maxBytes); goOn(); ) {
      const { removedBytes, more } = await trimFeed(client, keys, token, { windowMs, excessBytes });
      if (!more) break;
      excessBytes = Math.max(0, excessBytes - removedBytes);
    }
    await this.#options.releases.sweep(partition);
    if (!isSlow) return;
    while (goOn() && (await retainDeadLetters(client, keys, token, this.#options.deadLetters)).more);
    await rotateSeen(client, keys, token);
    // The partition's work checks before it goes on, and says what it found.
    history(partition).doubt();
  }

  async #feedBytes(): Promise<number[]> {
    const { client, keys, partitions } = this.#options;
    const values = await Promise.all(
      Array.from({ length: partitions }, (_, partition) => client.get(keys.partition(partition).feedBytes)),
    );
    return values.map((value) => Math.max(0, Number(value ?? 0)));
  }

  /** One server has one memory: while there is room, it is asked once a round. */
  async #watchMemory(owned: readonly PartitionLease[]): Promise<void> {
    for (const [index, { partition, token }] of owned.entries()) {
      const isNeeded = this.#options.topology === 'cluster' || index === 0 || this.#full.size > 0;
      if (!isNeeded) break;
      const { client, keys, memoryPercent, logger } = this.#options;
      try {
        const { full, usedBytes, maxBytes } = await watchMemory(
          client,
          keys.partition(partition),
          token,
          memoryPercent,
        );
        if (full === this.#full.has(partition)) continue;
        if (full) this.#full.add(partition);
        else this.#full.delete(partition);
        logger.warn(
          { partition, usedBytes, maxBytes },
          full ? 'memory is short: publishing is refused' : 'publishing is allowed again',
        );
      } catch (error) {
        if (!(error instanceof FencedError)) throw error;
        this.#full.delete(partition);
      }
    }
  }
}
