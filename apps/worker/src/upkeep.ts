import type { UpkeepSchedule } from '@rejoin/jobs';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import type { Logger } from '@rejoin/runtime';
import { FencedError, type PartitionLease, pause, watchMemory } from '@rejoin/streams';
import { FailureLog } from './failure-log.ts';
import type { PartitionHistory } from './partition-history.ts';
import type { PartitionUpkeep } from './partition-upkeep.ts';
import type { Releases } from './releases.ts';

export interface UpkeepOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly topology: 'standalone' | 'cluster';
  /** The partitions to look after: those whose leases are held. */
  leases(): readonly PartitionLease[];
  history(partition: number): PartitionHistory;
  readonly partitionUpkeep: PartitionUpkeep;
  readonly schedule: Pick<UpkeepSchedule, 'ensure'>;
  /** Percent of maxmemory above which publishing is refused. */
  readonly memoryPercent: number;
  readonly releases: Releases;
  /** Milliseconds between two rounds; 1,000 by default. */
  readonly intervalMs?: number;
  readonly logger: Logger;
}

const DEFAULT_INTERVAL_MS = 1_000;
/** Rounds between two looks at what changes slowly. */
const SLOW_ROUNDS = 5;
/** Rounds between two times that a partition is looked after by a job. */
const ROUNDS_PER_JOB = 2;
/** Jobs are not scheduled closer than this, in milliseconds. */
const SHORTEST_SCHEDULE_MS = 1_000;

/** How long upkeep of a partition counts as done, in milliseconds: a job may be late, but not be missing. */
export const upkeepDueMs = (intervalMs = DEFAULT_INTERVAL_MS): number => 2 * ROUNDS_PER_JOB * intervalMs;

/**
 * What an owner sees to in every partition that it owns: events are released when they are due, publishing is refused when memory
 * is short, and now and then the history is checked to be whole. Everything else is done by jobs on a schedule; where one was lost, or
 * cannot be run because memory is full, the owner does it.
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
    const { intervalMs = DEFAULT_INTERVAL_MS } = this.#options;
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
    const { leases, releases, history } = this.#options;
    if (isSlow) await this.#ensureSchedule();
    const owned = leases();
    if (owned.length === 0) return;
    await this.#watchMemory(owned);
    await this.#catchUp(owned);
    for (const { held, partition } of owned) {
      if (this.#stopping.signal.aborted) return;
      if (!held) continue;
      try {
        await releases.sweep(partition);
      } catch (error) {
        this.#failureLog.report(error, { partition });
      }
      // The partition's work checks before it goes on, and says what it found.
      if (isSlow) history(partition).doubt();
    }
  }

  /** Without the schedule this owner does everything itself, so its failure is no reason to stop. */
  async #ensureSchedule(): Promise<void> {
    const { schedule, intervalMs = DEFAULT_INTERVAL_MS } = this.#options;
    try {
      await schedule.ensure(Math.max(SHORTEST_SCHEDULE_MS, ROUNDS_PER_JOB * intervalMs));
    } catch (error) {
      this.#failureLog.report(error);
    }
  }

  async #catchUp(owned: readonly PartitionLease[]): Promise<void> {
    const { partitionUpkeep } = this.#options;
    for (const partition of await partitionUpkeep.due(owned.map((lease) => lease.partition))) {
      if (this.#stopping.signal.aborted) return;
      try {
        await partitionUpkeep.run(partition, this.#stopping.signal);
      } catch (error) {
        this.#failureLog.report(error, { partition });
      }
    }
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
