import type { Keyspace } from '@rejoin/redis';
import { DeadLetterStore } from '@rejoin/streams';
import { type Job, WaitingError, Worker } from 'bullmq';
import { BullmqConnection } from './bullmq-connection.ts';
import { type PartitionJob, TASKS, TIMERS, UPKEEP } from './queues.ts';
import type { Task, TaskData, TaskResult } from './task.ts';
import { auditEnd } from './task-audit.ts';
import { taskOfJob } from './task-of-job.ts';
import { TaskInterruptedError, TaskRun, type TaskRunOptions } from './task-run.ts';

export interface JobRunnerOptions extends Pick<TaskRunOptions, 'rehearse'> {
  readonly redisUrl: string;
  readonly keys: Keyspace;
  readonly partitions: number;
  /** Releases the events of a partition that are due; idempotent. */
  release(partition: number): Promise<void>;
  /** Looks after a partition; idempotent. @param signal the worker stops */
  upkeep(partition: number, signal: AbortSignal): Promise<void>;
  /** Called for every failure of a connection or a job. */
  onError(error: Error, context: { readonly job?: string }): void;
}

/** A task of a worker that died goes on elsewhere after this time, in milliseconds, and the time between two looks. */
const LOCK_MS = 10_000;
const STALLED_INTERVAL_MS = 5_000;
/** Timers that go off at the same time for several partitions. */
const TIMER_CONCURRENCY = 8;
/** Partitions that one worker looks after at a time. */
const UPKEEP_CONCURRENCY = 2;
/** Tasks of one worker at a time. */
const TASK_CONCURRENCY = 2;
/** Workers that may die of one task before it counts as failed. */
const MAX_DEATHS = 10;

/** Runs what was asked for: timers, upkeep and tasks. Every worker process has one. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #stopping = new AbortController();
  readonly #active = new Set<Promise<unknown>>();
  #running: { readonly connection: BullmqConnection; readonly workers: readonly Worker[] } | undefined;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running) return;
    const { redisUrl, keys, partitions, release, upkeep, rehearse, onError } = this.#options;
    const onConnectionError = (error: Error): void => onError(error, {});
    const connection = new BullmqConnection(redisUrl, 'background', 'rejoin-job-runner', onConnectionError);
    const { client } = connection;
    const store = new DeadLetterStore(client, keys, partitions);
    const shared = {
      connection: client,
      prefix: keys.jobs,
      skipVersionCheck: true,
      stalledInterval: STALLED_INTERVAL_MS,
      lockDuration: LOCK_MS,
      maxStalledCount: MAX_DEATHS,
    };
    const timers = new Worker<PartitionJob>(TIMERS, ({ data }) => this.#track(release(data.partition)), {
      ...shared,
      concurrency: TIMER_CONCURRENCY,
    });
    const caretakers = new Worker<PartitionJob>(
      UPKEEP,
      ({ data }) => this.#track(upkeep(data.partition, this.#stopping.signal)),
      { ...shared, concurrency: UPKEEP_CONCURRENCY },
    );
    const tasks = new Worker<TaskData, TaskResult>(
      TASKS,
      (job) => this.#track(this.#runTask(job, { client, keys, store, rehearse })),
      { ...shared, concurrency: TASK_CONCURRENCY },
    );
    const workers = [timers, caretakers, tasks];
    for (const worker of workers) {
      worker.on('error', onConnectionError);
      worker.on('failed', (job, error) => onError(error, job?.id === undefined ? {} : { job: job.id }));
    }
    tasks.on('failed', (job) => {
      // Without an end it is tried again.
      if (job?.finishedOn !== undefined)
        void this.#track(this.#audit(job, 'failed', { client, keys, store, rehearse }));
    });
    this.#running = { connection, workers };
  }

  /**
   * Leaves tasks where they are, for other workers, and ends. Idempotent.
   * @param deadlineMs after which its connections are closed, whatever they wait for; 1,000 by default
   */
  async stop(deadlineMs = 1_000): Promise<void> {
    this.#stopping.abort();
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    const { connection, workers } = running;
    await connection.close(this.#end(workers), deadlineMs);
  }

  /**
   * BullMQ's patient way of ending waits for ever for a connection that breaks meanwhile, so it is told not to wait, once
   * no job is under way. A job that it took in between stalls, and another worker takes it up.
   */
  async #end(workers: readonly Worker[]): Promise<void> {
    // Takes no other job meanwhile, those that are given back here included.
    await Promise.allSettled(workers.map((worker) => worker.pause(true)));
    while (this.#active.size > 0) await Promise.allSettled(this.#active);
    await Promise.allSettled(workers.map((worker) => worker.close(true)));
  }

  /** Keeps a job in mind while it is under way. */
  async #track<Value>(job: Promise<Value>): Promise<Value> {
    this.#active.add(job);
    try {
      return await job;
    } finally {
      this.#active.delete(job);
    }
  }

  async #runTask(job: Job<TaskData, TaskResult>, options: TaskRunOptions): Promise<TaskResult> {
    try {
      const result = await new TaskRun(job, options, this.#stopping.signal).run();
      await this.#audit(job, result.isCancelled ? 'cancelled' : 'done', options);
      return result;
    } catch (error) {
      if (!(error instanceof TaskInterruptedError)) throw error;
      // Another worker takes it up where it is.
      await job.moveToWait(job.token);
      throw new WaitingError();
    }
  }

  /** Never rejects: what was done is done, and its beginning is audited. */
  async #audit(
    job: Job<TaskData, TaskResult>,
    state: Task['state'],
    { client, keys, store }: TaskRunOptions,
  ): Promise<void> {
    try {
      await auditEnd(client, keys, await taskOfJob(job, state, store));
    } catch (error) {
      this.#options.onError(error as Error, job.id === undefined ? {} : { job: job.id });
    }
  }
}
