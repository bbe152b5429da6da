import { GroupCache } from '@rejoin/audience';
import type { FanOutOptions } from '@rejoin/feed';
import { createJobs, JobRunner, type Jobs, type Rehearsal } from '@rejoin/jobs';
import {
  connect,
  disconnect,
  type Keyspace,
  openInstallation,
  PartitionCountMismatchError,
  type RedisClient,
  reconnectDelayMs,
} from '@rejoin/redis';
import type { Health, Logger } from '@rejoin/runtime';
import {
  checkRedis,
  type DeadLetterRetention,
  LeaseManager,
  type PartitionLease,
  pause,
  type ReadBounds,
} from '@rejoin/streams';
import { EventPreparation } from './event-preparation.ts';
import { FailureLog } from './failure-log.ts';
import { PartitionHistory } from './partition-history.ts';
import { PartitionUpkeep } from './partition-upkeep.ts';
import { PartitionWork } from './partition-work.ts';
import { Releases } from './releases.ts';
import { ResolverBreakers } from './resolver-breakers.ts';
import { RetryPolicy } from './retry-policy.ts';
import { type EventResolver, type Resolved, RetryingResolver } from './retrying-resolver.ts';
import { replaceSilentConnection } from './silent-connection.ts';
import { TrialTurns } from './trial-turns.ts';
import { Upkeep, upkeepDueMs } from './upkeep.ts';
import { newWorkerCounters, type WorkerCounters, type WorkerListener } from './worker-counters.ts';

export interface WorkerOptions {
  readonly redisUrl: string;
  readonly keys: Keyspace;
  /** The configured partition count; the installation's where absent. */
  readonly partitions?: number;
  readonly resolver: EventResolver;
  /** How far back clients may resume, in milliseconds, and how much is kept for that. */
  readonly replay: FanOutOptions & { /** Feed bytes over all partitions. */ readonly maxBytes: number };
  /** How long dead letters are kept; 14 days, and 100,000 of a partition by default. */
  readonly deadLetters?: DeadLetterRetention;
  readonly retries?: Partial<RetryOptions>;
  readonly logger: Logger;
  readonly listener?: WorkerListener;
  /** How long a lease holds without renewal, in milliseconds; 4,000 by default. */
  readonly leaseTtlMs?: number;
  /** How often leases are looked at, in milliseconds; 250 by default. */
  readonly leasePollMs?: number;
  /** Longest blocking read, in milliseconds; 1,500 by default. */
  readonly blockMs?: number;
  /** Milliseconds between two rounds of upkeep; 1,000 by default. */
  readonly upkeepMs?: number;
  /** Percent of maxmemory above which publishing is refused; 90 by default. */
  readonly memoryPercent?: number;
  readonly bounds?: Partial<ReadBounds>;
}

export interface RetryOptions {
  /** How often an event is run that fails for now, before it is dead-lettered; 8 by default. */
  readonly maxAttempts: number;
  /** Milliseconds until the second run; 1,000 by default, and four times as many before each further one. */
  readonly firstDelayMs: number;
  /** How long an event is tried again where it stands, in milliseconds, before it is parked; 1,000 by default. */
  readonly inPlaceMs: number;
  /** How many workers in a row an event may end before it is dead-lettered; 5 by default. */
  readonly maxTrials: number;
  /** Most parked events of a partition; 100,000 by default. Beyond it, the partition waits. */
  readonly maxParked: number;
}

const DEFAULT_RETRIES: RetryOptions = {
  maxAttempts: 8,
  firstDelayMs: 1_000,
  inPlaceMs: 1_000,
  maxTrials: 5,
  maxParked: 100_000,
};
const DEFAULT_DEAD_LETTER_RETENTION: DeadLetterRetention = { maxAgeMs: 14 * 86_400_000, maxCount: 100_000 };

/** Brings events from event streams into the feeds: owns its share of the partitions, and works for each by itself. */
export class Worker {
  readonly counters: WorkerCounters = newWorkerCounters();
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  readonly #breakers = new ResolverBreakers();
  readonly #trialTurns = new TrialTurns();
  readonly #wakeFailures: FailureLog;
  readonly #histories = new Map<number, PartitionHistory>();
  #running: Running | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#wakeFailures = new FailureLog(options.logger, 'waiting for events failed and will be begun again');
  }

  /**
   * Resolves when this worker takes part: Redis answers and the installation is opened. Waits for Redis as long as it takes.
   * @throws PartitionCountMismatchError
   * @throws Error where it is stopped before
   */
  async start(): Promise<void> {
    const { keys, leaseTtlMs = 4_000, logger } = this.#options;
    const client = this.#connect('rejoin-worker', 5_000);
    const leaseClient = this.#connect('rejoin-worker-leases', Math.max(100, leaseTtlMs / 2));
    try {
      const partitions = await this.#open(client);
      if (this.#stopping.signal.aborted) throw new Error('stopped before it was started');
      this.#running = this.#run(client, leaseClient, partitions);
      logger.info({ partitions, workerId: this.#running.leases.workerId, prefix: keys.prefix }, 'worker takes part');
    } catch (error) {
      disconnect(client);
      disconnect(leaseClient);
      throw error;
    }
  }

  /**
   * Finishes the batches at hand, gives the leases back and leaves. Idempotent.
   * @param deadlineMs after which leases are ended whatever is at hand, in milliseconds; 5,000 by default
   */
  stop(deadlineMs = 5_000): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  /** Its name among the workers; `undefined` until it takes part. */
  get id(): string | undefined {
    return this.#running?.leases.workerId;
  }

  /** The partitions owned now, ascending. */
  get owned(): number[] {
    return this.#running?.leases.leases.map(({ partition }) => partition) ?? [];
  }

  health(): Health {
    const redis = this.#running?.client.status === 'ready';
    const leases = this.#running?.leases.ready ?? false;
    return {
      ready: redis && leases,
      checks: { redis: { ready: redis }, leases: { ready: leases, detail: `owns ${this.owned.length} partitions` } },
    };
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#stopping.abort();
    if (!this.#running) return;
    const { client, leaseClient, leases, upkeep, jobs, runner } = this.#running;
    try {
      await Promise.all([leases.stop(deadlineMs), upkeep.stop(), runner.stop(deadlineMs)]);
    } finally {
      disconnect(client);
      disconnect(leaseClient);
      await jobs.close();
    }
  }

  #connect(name: string, commandTimeoutMs: number): RedisClient {
    const failures = new FailureLog(this.#options.logger, 'connection to Redis failed and will be made again');
    const client = connect({
      url: this.#options.redisUrl,
      use: 'commands',
      name,
      commandTimeoutMs,
      onError: (error) => failures.report(error, { connection: name }),
    });
    client.on('ready', () => failures.recovered());
    return client;
  }

  async #open(client: RedisClient): Promise<number> {
    const { keys, logger, partitions } = this.#options;
    const failures = new FailureLog(logger, 'waiting for Redis');
    for (let attempt = 0; !this.#stopping.signal.aborted; attempt += 1) {
      try {
        const installation = await openInstallation(client, keys, partitions);
        for (const { code, title, detail, remedy } of await checkRedis(client)) {
          logger.warn({ code, remedy }, `${title}: ${detail}`);
        }
        return installation.partitions;
      } catch (error) {
        if (error instanceof PartitionCountMismatchError) throw error;
        failures.report(error);
        await pause(reconnectDelayMs(attempt), this.#stopping.signal);
      }
    }
    throw new Error('stopped before it was started');
  }

  #run(client: RedisClient, leaseClient: RedisClient, partitions: number): Running {
    const { redisUrl, keys, replay, logger, leaseTtlMs, leasePollMs, upkeepMs, memoryPercent = 90 } = this.#options;
    const { deadLetters = DEFAULT_DEAD_LETTER_RETENTION } = this.#options;
    const topology = client.isCluster ? 'cluster' : 'standalone';
    const resolver = this.#resolverWithGroups(client, partitions);
    const leaseFailures = new FailureLog(
      logger,
      'leases cannot be looked after; what is not renewed in time is given up',
    );
    const jobFailures = new FailureLog(logger, 'a job or its connection failed and will be tried again');
    const reportJob = (error: Error, context: object = {}): void => jobFailures.report(error, context);
    const leases = new LeaseManager({
      client: leaseClient,
      keys,
      partitions,
      work: (lease) => this.#work(client, lease, partitions, resolver),
      onError: (error) => {
        leaseFailures.report(error);
        replaceSilentConnection(leaseClient, error);
      },
      ...(leaseTtlMs === undefined ? {} : { ttlMs: leaseTtlMs }),
      ...(leasePollMs === undefined ? {} : { pollMs: leasePollMs }),
    });
    const jobs = createJobs({ redisUrl, keys, partitions, onError: reportJob });
    const releases = new Releases({ client, keys, timers: jobs.timers, counters: this.counters });
    const rehearsing = new RetryingResolver(this.#options.resolver, new ResolverBreakers(), 0);
    const partitionUpkeep = new PartitionUpkeep({
      client,
      keys,
      partitions,
      windowMs: replay.windowMs,
      maxBytes: replay.maxBytes,
      deadLetters,
      dueMs: upkeepDueMs(upkeepMs),
    });
    const runner = new JobRunner({
      redisUrl,
      keys,
      partitions,
      release: (partition) => releases.release(partition),
      upkeep: (partition, signal) => partitionUpkeep.run(partition, signal),
      rehearse: async (event, signal) => rehearsal(await rehearsing.resolve(event, signal)),
      onError: reportJob,
    });
    const upkeep = new Upkeep({
      client,
      keys,
      topology,
      leases: () => leases.leases,
      history: (partition) => this.#history(client, partition),
      partitionUpkeep,
      schedule: jobs.upkeep,
      releases,
      memoryPercent,
      logger,
      ...(upkeepMs === undefined ? {} : { intervalMs: upkeepMs }),
    });
    client.on('ready', () => {
      for (const history of this.#histories.values()) history.doubt();
    });
    leases.start();
    upkeep.start();
    runner.start();
    return { client, leaseClient, leases, upkeep, jobs, runner };
  }

  #resolverWithGroups(client: RedisClient, partitions: number): EventResolver {
    const { resolver, keys } = this.#options;
    return resolver.withGroups?.(new GroupCache(client, keys, partitions)) ?? resolver;
  }

  async #work(client: RedisClient, lease: PartitionLease, partitions: number, resolver: EventResolver): Promise<void> {
    const { keys, replay, bounds, logger, redisUrl, blockMs } = this.#options;
    const { maxAttempts, firstDelayMs, inPlaceMs, maxTrials, maxParked } = {
      ...DEFAULT_RETRIES,
      ...this.#options.retries,
    };
    const { partition } = lease;
    logger.info({ partition }, 'partition is owned');
    const work = new PartitionWork({
      lease,
      client,
      keys: keys.partition(partition),
      connectBlocking: () =>
        connect({
          url: redisUrl,
          use: 'blocking',
          name: 'rejoin-worker-wake',
          onError: (error) => this.#wakeFailures.report(error),
        }),
      ...(blockMs === undefined ? {} : { blockMs }),
      preparation: new EventPreparation(
        new RetryingResolver(resolver, this.#breakers, inPlaceMs),
        new RetryPolicy(maxAttempts, firstDelayMs),
        partition,
        partitions,
      ),
      maxTrials,
      trialTurns: this.#trialTurns,
      maxParked,
      history: this.#history(client, partition),
      fanOut: replay,
      counters: this.counters,
      listener: this.#options.listener ?? {},
      logger,
      ...(bounds === undefined ? {} : { bounds }),
    });
    await work.run();
    logger.info({ partition, lost: !lease.held }, 'partition is given up');
  }

  #history(client: RedisClient, partition: number): PartitionHistory {
    let history = this.#histories.get(partition);
    if (!history) {
      history = new PartitionHistory(client, this.#options.keys.partition(partition));
      this.#histories.set(partition, history);
    }
    return history;
  }
}

interface Running {
  readonly client: RedisClient;
  readonly leaseClient: RedisClient;
  readonly leases: LeaseManager;
  readonly upkeep: Upkeep;
  readonly jobs: Jobs;
  readonly runner: JobRunner;
}

function rehearsal(resolved: Resolved): Rehearsal {
  if (resolved.kind === 'rooms') return { rooms: resolved.rooms };
  const { code, message } = resolved;
  return { code, message };
}
