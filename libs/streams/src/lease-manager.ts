import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { LeaseStore } from './lease-store.ts';
import type { PartitionLease } from './partition-lease.ts';
import { partitionShare } from './partition-share.ts';
import { pause } from './pause.ts';

export interface LeaseManagerOptions {
  /** For short commands, and for leases alone: a renewal must not wait behind a large batch. */
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  /**
   * Works for one partition until the lease is yielding or ended (see {@link PartitionLease}), then resolves. The lease is
   * given back after that. It is never called for a partition for which an earlier call has not settled.
   */
  work(lease: PartitionLease): Promise<void>;
  /** Called for each failure of Redis, and where `work` rejects. */
  onError(error: unknown): void;
  /** How long a lease holds without renewal, in milliseconds; 4,000 by default. A dead worker's partitions wait that long. */
  readonly ttlMs?: number;
  /** How often workers look for free partitions and for each other, in milliseconds; 250 by default. */
  readonly pollMs?: number;
  /** Names this worker; by default host, process and something random. */
  readonly workerId?: string;
}

interface Ownership {
  readonly lease: PartitionLease;
  renewAtMs: number;
  renewing: boolean;
  readonly finished: Promise<void>;
}

/**
 * Keeps this worker's share of the partitions leased: takes free ones up to the share, gives surplus ones back once their
 * batch at hand is finished, and renews the rest. Together the workers own every partition, and no partition twice.
 */
export class LeaseManager {
  readonly workerId: string;
  readonly #options: LeaseManagerOptions;
  readonly #store: LeaseStore;
  readonly #ttlMs: number;
  readonly #pollMs: number;
  readonly #owned = new Map<number, Ownership>();
  /** Leases that ended here while Redis may still hold them; given back as soon as Redis answers. */
  readonly #abandoned = new Set<PartitionLease>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #beatAtMs = 0;
  #lastTickMs = Number.NEGATIVE_INFINITY;

  constructor(options: LeaseManagerOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlMs ?? 4_000;
    this.#pollMs = options.pollMs ?? 250;
    this.workerId = options.workerId ?? `${hostname()}.${process.pid}.${randomBytes(6).toString('base64url')}`;
    this.#store = new LeaseStore(options.client, options.keys, this.#ttlMs);
  }

  /** Begins to poll. What Redis cannot do now is tried again with the next poll. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** The leases that are held now, in the order of their partitions. */
  get leases(): PartitionLease[] {
    return [...this.#owned.values()]
      .map(({ lease }) => lease)
      .filter((lease) => lease.held)
      .sort((a, b) => a.partition - b.partition);
  }

  /** Whether Redis answered within the time to live of a lease. */
  get ready(): boolean {
    return !this.#stopping.signal.aborted && performance.now() - this.#lastTickMs < this.#ttlMs;
  }

  /**
   * Takes this worker off the list, lets every partition finish its batch at hand and gives its lease back. Idempotent.
   * @param deadlineMs after which leases are ended whatever is at hand, in milliseconds
   */
  stop(deadlineMs = 5_000): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    const owned = [...this.#owned.values()];
    for (const { lease } of owned) lease.yield();
    const timer = setTimeout(() => {
      for (const { lease } of owned) lease.end();
    }, deadlineMs);
    try {
      await this.#attempt(this.#store.removeWorker(this.workerId));
      await this.#loop;
      await Promise.all(owned.map(({ finished }) => finished));
    } finally {
      clearTimeout(timer);
    }
    // A heartbeat that was under way may have come after the removal.
    await this.#attempt(this.#store.removeWorker(this.workerId));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const startedMs = performance.now();
      this.#renewDue();
      try {
        await this.#balance();
        this.#lastTickMs = performance.now();
      } catch (error) {
        this.#options.onError(error);
      }
      await pause(Math.max(10, startedMs + this.#pollMs - performance.now()), signal);
    }
    // Batches at hand may take longer than a lease holds.
    while (this.#owned.size > 0) {
      this.#renewDue();
      await delay(Math.min(this.#pollMs, 50));
    }
  }

  /** Renewals never wait for anything else, and nothing waits for them. */
  #renewDue(): void {
    const nowMs = performance.now();
    for (const ownership of this.#owned.values()) {
      if (!ownership.lease.held) {
        if (!ownership.lease.ended.aborted) this.#abandoned.add(ownership.lease);
        ownership.lease.end();
      } else if (!ownership.renewing && nowMs >= ownership.renewAtMs) {
        void this.#renew(ownership);
      }
    }
  }

  async #renew(ownership: Ownership): Promise<void> {
    ownership.renewing = true;
    try {
      const sentMs = performance.now();
      if (await this.#store.renew(ownership.lease)) ownership.renewAtMs = sentMs + this.#ttlMs / 3;
      else ownership.lease.end();
    } catch (error) {
      this.#options.onError(error);
    } finally {
      ownership.renewing = false;
    }
  }

  async #balance(): Promise<void> {
    const nowMs = performance.now();
    const beat = nowMs >= this.#beatAtMs;
    const workers = await this.#store.livingWorkers(this.workerId, beat);
    if (beat) this.#beatAtMs = nowMs + this.#ttlMs / 3;
    await this.#releaseAbandoned();
    if (this.#stopping.signal.aborted) return;
    // Somebody took this worker's heartbeat off the list; without one it has no share.
    if (!workers.includes(this.workerId)) this.#beatAtMs = 0;
    const { count, first } = partitionShare(this.#options.partitions, workers, this.workerId);
    const kept = [...this.#owned.values()].filter(({ lease }) => !lease.yielding.aborted);
    for (const { lease } of kept.slice(count)) lease.yield();
    if (kept.length < count) await this.#acquire(count - kept.length, first);
  }

  async #releaseAbandoned(): Promise<void> {
    await Promise.all(
      [...this.#abandoned].map(async (lease) => {
        await this.#store.release(lease);
        this.#abandoned.delete(lease);
      }),
    );
  }

  async #acquire(most: number, first: number): Promise<void> {
    const { partitions } = this.#options;
    const candidates = Array.from({ length: partitions }, (_, index) => (first + index) % partitions).filter(
      (partition) => !this.#owned.has(partition),
    );
    const free = await Promise.all(candidates.map((partition) => this.#store.isFree(partition)));
    const wanted = candidates.filter((_, index) => free[index]).slice(0, most);
    const leases = await Promise.allSettled(wanted.map((partition) => this.#store.acquire(partition, this.workerId)));
    for (const result of leases) {
      if (result.status === 'rejected') this.#options.onError(result.reason);
      else if (result.value) this.#own(result.value);
    }
  }

  #own(lease: PartitionLease): void {
    const finished = this.#work(lease);
    this.#owned.set(lease.partition, {
      lease,
      renewAtMs: performance.now() + this.#ttlMs / 3,
      renewing: false,
      finished,
    });
    if (this.#stopping.signal.aborted) lease.yield();
  }

  async #work(lease: PartitionLease): Promise<void> {
    try {
      // Not in the turn that is still registering the lease.
      await Promise.resolve();
      await this.#options.work(lease);
    } catch (error) {
      this.#options.onError(error);
    }
    lease.end();
    this.#abandoned.add(lease);
    await this.#attempt(this.#releaseAbandoned());
    this.#owned.delete(lease.partition);
  }

  async #attempt(command: Promise<unknown>): Promise<void> {
    try {
      await command;
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
