import { randomBytes } from 'node:crypto';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type DeadLetterStore, parseDeadLetterId } from '@rejoin/streams';
import type { Job, Queue } from 'bullmq';
import { InvalidTaskError } from './errors.ts';
import type { Task, TaskData, TaskKind, TaskRequest, TaskResult } from './task.ts';
import { taskOfJob } from './task-of-job.ts';

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
    const { kind, selection, reason, by = null, tenant = null, ratePerSecond = DEFAULT_RATE } = request;
    const problem = problemOf(request, ratePerSecond);
    if (problem) throw new InvalidTaskError(problem);
    const askedAtMs = Date.now();
    const data: TaskData = {
      kind,
      selection: fixed(selection, askedAtMs),
      reason,
      by,
      tenant,
      ratePerSecond,
      askedAtMs,
    };
    const jobId = `t${randomBytes(9).toString('hex')}`;
    const job = await this.#queue.add(kind, data, { jobId });
    return taskOfJob(job, 'waiting', this.#store);
  }

  /** A task, up to a week after it was over. */
  async get(id: string): Promise<Task | null> {
    const job = await this.#queue.getJob(id);
    return job ? this.#viewOf(job) : null;
  }

  async list({
    offset = 0,
    limit = 50,
    kinds,
    tenant,
  }: {
    readonly offset?: number;
    readonly limit?: number;
    /** Only these. */
    readonly kinds?: readonly TaskKind[];
    /** Only those of who is bound to this tenant. */
    readonly tenant?: string;
  } = {}): Promise<TaskPage> {
    const types = ['active', 'waiting', 'delayed', 'completed', 'failed'] as const;
    // BullMQ orders within one state only; all that it keeps are a thousand.
    const jobs = await this.#queue.getJobs([...types], 0, -1);
    const found = jobs
      .filter((job) => job !== undefined)
      .filter(({ data }) => (!kinds || kinds.includes(data.kind)) && (tenant === undefined || data.tenant === tenant))
      .sort((a, b) => b.timestamp - a.timestamp);
    const wanted = found.slice(offset, offset + limit);
    return { items: await Promise.all(wanted.map((job) => this.#viewOf(job))), total: found.length };
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

  async #read(job: Job<TaskData, TaskResult>): Promise<Job<TaskData, TaskResult>> {
    return (await this.#queue.getJob(job.id as string)) ?? job;
  }

  async #viewOf(found: Job<TaskData, TaskResult>): Promise<Task> {
    const state = await found.getState();
    const isOver = state === 'completed' || state === 'failed';
    // It may have ended since it was read, and how it ended was not there then.
    const job = isOver && found.finishedOn === undefined ? await this.#read(found) : found;
    if (state === 'completed') return taskOfJob(job, job.returnvalue?.isCancelled ? 'cancelled' : 'done', this.#store);
    if (state === 'failed') return taskOfJob(job, 'failed', this.#store);
    return taskOfJob(job, state === 'active' ? 'running' : 'waiting', this.#store);
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
