import { randomBytes } from 'node:crypto';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type DeadLetterStore, parseDeadLetterId } from '@rejoin/streams';
import type { Job, Queue } from 'bullmq';
import { InvalidTaskError } from './errors.ts';
import { NO_PROGRESS, type Task, type TaskData, type TaskProgress, type TaskRequest, type TaskResult } from './task.ts';

/** Most dead letters that a task names one by one; for more there are filters. */
const MAX_IDS = 10_000;
const DEFAULT_RATE = 100;
const MAX_RATE = 10_000;
/** As long as BullMQ keeps a task that is over. */
const CANCELLED_TTL_MS = 7 * 86_400_000;

export interface TaskPage {
  /** Latest first. */
  readonly items: readonly Task[];
  readonly total: number;
}

/** Tasks that go through dead letters: asked for here, run by workers. */
export class Tasks {
  readonly #queue: Queue<TaskData, TaskResult>;
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #store: DeadLetterStore;

  constructor(queue: Queue<TaskData, TaskResult>, client: RedisClient, keys: Keyspace, store: DeadLetterStore) {
    this.#queue = queue;
    this.#client = client;
    this.#keys = keys;
    this.#store = store;
  }

  /**
   * Asks for a task. It is run by any worker, goes on under another where one dies, and does nothing twice.
   * @throws InvalidTaskError
   */
  async start(request: TaskRequest): Promise<Task> {
    const { kind, selection, reason, by = null, ratePerSecond = DEFAULT_RATE } = request;
    const problem = problemOf(request, ratePerSecond);
    if (problem) throw new InvalidTaskError(problem);
    const askedAtMs = Date.now();
    const data: TaskData = { kind, selection: fixed(selection, askedAtMs), reason, by, ratePerSecond, askedAtMs };
    const jobId = `t${randomBytes(9).toString('hex')}`;
    const job = await this.#queue.add(kind, data, { jobId });
    return this.#view(job, 'waiting');
  }

  /** A task, up to a week after it was over. */
  async get(id: string): Promise<Task | null> {
    const job = await this.#queue.getJob(id);
    return job ? this.#viewOf(job) : null;
  }

  async list({
    offset = 0,
    limit = 50,
  }: {
    readonly offset?: number;
    readonly limit?: number;
  } = {}): Promise<TaskPage> {
    const types = ['active', 'waiting', 'delayed', 'completed', 'failed'] as const;
    const counts = await this.#queue.getJobCounts(...types);
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    // BullMQ orders within one state only; all that it keeps are a thousand.
    const jobs = await this.#queue.getJobs([...types], 0, -1);
    const wanted = jobs
      .filter((job) => job !== undefined)
      .sort((a, b) => b.timestamp - a.timestamp)
      .slice(offset, offset + limit);
    return { items: await Promise.all(wanted.map((job) => this.#viewOf(job))), total };
  }

  /** Ends a task that is not over; what it did stays done. Says whether there was one to end. */
  async cancel(id: string): Promise<boolean> {
    const job = await this.#queue.getJob(id);
    if (!job) return false;
    const state = await job.getState();
    if (state === 'completed' || state === 'failed') return false;
    await this.#client.set(this.#keys.cancelled(id), '1', 'PX', CANCELLED_TTL_MS);
    return true;
  }

  async #viewOf(job: Job<TaskData, TaskResult>): Promise<Task> {
    const state = await job.getState();
    if (state === 'completed') return this.#view(job, job.returnvalue.isCancelled ? 'cancelled' : 'done');
    if (state === 'failed') return this.#view(job, 'failed');
    return this.#view(job, state === 'active' ? 'running' : 'waiting');
  }

  async #view(job: Job<TaskData, TaskResult>, state: Task['state']): Promise<Task> {
    const id = job.id as string;
    const { kind, selection, reason, by, ratePerSecond, askedAtMs } = job.data;
    const progress = { ...NO_PROGRESS, ...(job.progress as Partial<TaskProgress>) };
    const tally = await this.#store.tally(id);
    const { refused, rehearsed, rehearsals, index } = progress;
    const changed = tally.appended + tally.duplicate + tally.discarded;
    // Of ids that one step went through twice the first time counts, and that the partitions counted.
    const gone = 'ids' in selection ? Math.max(0, index - changed - refused - rehearsed) : progress.gone;
    return {
      id,
      kind,
      state,
      selection,
      reason,
      by,
      ratePerSecond,
      total: progress.total,
      handled: changed + refused + rehearsed + gone,
      outcomes: {
        redriven: tally.appended,
        discarded: tally.discarded,
        duplicates: tally.duplicate,
        refused,
        gone,
        rehearsed,
      },
      rehearsals,
      askedAtMs,
      startedAtMs: job.processedOn ?? null,
      endedAtMs: job.finishedOn ?? null,
      error: state === 'failed' ? (job.failedReason ?? null) : null,
    };
  }
}

/** What failed later than the task was asked for is not meant, or a redrive would go round with what fails again. */
function fixed(selection: TaskRequest['selection'], nowMs: number): TaskRequest['selection'] {
  if ('ids' in selection) return selection;
  const { filter } = selection;
  return { filter: { ...filter, untilMs: Math.min(filter.untilMs ?? nowMs, nowMs) } };
}

function problemOf({ selection, reason }: TaskRequest, ratePerSecond: number): string | null {
  if (reason.trim() === '') return 'a reason is required';
  if (!(ratePerSecond > 0 && ratePerSecond <= MAX_RATE)) return `the rate is between 0 and ${MAX_RATE} per second`;
  if (!('ids' in selection)) return null;
  if (selection.ids.length === 0 || selection.ids.length > MAX_IDS) return `between 1 and ${MAX_IDS} ids are required`;
  const bad = selection.ids.find((id) => parseDeadLetterId(id) === null);
  return bad === undefined ? null : `"${bad.slice(0, 64)}" is not the id of a dead letter`;
}
