import { setTimeout as delay } from 'node:timers/promises';
import type { DomainEvent } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import {
  type DeadLetter,
  type DeadLetterId,
  type DeadLetterScan,
  type DeadLetterStore,
  eventOf,
  parseDeadLetterId,
  whyNotRedrivable,
} from '@rejoin/streams';
import type { Job } from 'bullmq';
import { NO_PROGRESS, type Rehearsed, type TaskData, type TaskProgress, type TaskResult } from './task.ts';

/** Who would see an event now. */
export type Rehearsal = { readonly rooms: readonly string[] } | { readonly code: string; readonly message: string };

export interface TaskRunOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly store: DeadLetterStore;
  /** Asks today's resolver; a failure for now is an answer, too. */
  rehearse(event: DomainEvent, signal: AbortSignal): Promise<Rehearsal>;
}

/** Steps of a second: a task that is cancelled ends within one. */
const STEPS_PER_SECOND = 4;
const MAX_STEP = 50;
/** Dead letters that one step looks at to find some that match. */
const SCAN_STEP = 2_000;
/** How long a redrive waits while publishing is refused, in milliseconds. */
const FULL_DELAY_MS = 1_000;
const MAX_REHEARSALS = 100;

interface Step {
  readonly ids: readonly DeadLetterId[];
  readonly index: number;
  readonly after: string | null;
  readonly isLast: boolean;
}

/**
 * Runs one task, from where it was left. Each change of a dead letter is idempotent and counts itself, and progress is
 * written after each step, so a step that is repeated after a death changes and counts nothing twice.
 */
export class TaskRun {
  readonly #job: Job<TaskData, TaskResult>;
  readonly #options: TaskRunOptions;
  readonly #stopping: AbortSignal;
  #progress: TaskProgress;
  /** Of the steps before, where it can go on. */
  #scan: DeadLetterScan | undefined;

  /** @param stopping leaves the task where it is, for another worker */
  constructor(job: Job<TaskData, TaskResult>, options: TaskRunOptions, stopping: AbortSignal) {
    this.#job = job;
    this.#options = options;
    this.#stopping = stopping;
    this.#progress = { ...NO_PROGRESS, ...(job.progress as Partial<TaskProgress>) };
  }

  /** @throws TaskInterruptedError where it is to go on elsewhere */
  async run(): Promise<TaskResult> {
    const { ratePerSecond } = this.#job.data;
    const size = Math.max(1, Math.min(MAX_STEP, Math.round(ratePerSecond / STEPS_PER_SECOND)));
    await this.#countTotal();
    for (;;) {
      if (this.#stopping.aborted) throw new TaskInterruptedError();
      if (await this.#isCancelled()) return { isCancelled: true };
      const startedAtMs = performance.now();
      const step = await this.#next(size);
      await this.#handle(step);
      if (step.isLast) return { isCancelled: false };
      const restMs = (step.ids.length / ratePerSecond) * 1_000 - (performance.now() - startedAtMs);
      if (restMs > 0) await this.#pause(restMs);
    }
  }

  async #countTotal(): Promise<void> {
    if (this.#progress.total !== null) return;
    const { selection } = this.#job.data;
    const total = 'ids' in selection ? selection.ids.length : await this.#options.store.matching(selection.filter);
    await this.#save({ ...this.#progress, total });
  }

  async #next(size: number): Promise<Step> {
    const { selection } = this.#job.data;
    const { index, after } = this.#progress;
    if ('ids' in selection) {
      const ids = selection.ids.slice(index, index + size).map((id) => parseDeadLetterId(id) as DeadLetterId);
      return { ids, index: index + ids.length, after, isLast: index + size >= selection.ids.length };
    }
    const { filter } = selection;
    const scan = this.#scan ?? (await this.#options.store.scan(filter, after));
    const page = await scan.page(size, SCAN_STEP);
    this.#scan = scan.survivesRemovals ? scan : undefined;
    return { ids: page.items, index, after: page.next, isLast: page.next === null };
  }

  async #handle(step: Step): Promise<void> {
    const { kind, reason, by } = this.#job.data;
    const { store } = this.#options;
    const jobId = this.#job.id as string;
    let progress: TaskProgress = { ...this.#progress, index: step.index, after: step.after };
    if (kind === 'discard') {
      const discarded = await store.discard(step.ids, { reason, jobId, ...(by === null ? {} : { by }) });
      progress = { ...progress, gone: progress.gone + discarded.filter((was) => !was).length };
    } else {
      for (const id of step.ids) {
        progress = kind === 'redrive' ? await this.#redrive(id, progress) : await this.#rehearse(id, progress);
      }
    }
    await this.#save(progress);
  }

  async #redrive(id: DeadLetterId, progress: TaskProgress): Promise<TaskProgress> {
    for (;;) {
      const [redriven] = await this.#options.store.redrive([id], { jobId: this.#job.id as string });
      if (redriven?.outcome === 'refused') return { ...progress, refused: progress.refused + 1 };
      if (redriven?.outcome === 'gone') return { ...progress, gone: progress.gone + 1 };
      if (redriven?.outcome !== 'full') return progress;
      await this.#pause(FULL_DELAY_MS);
      if (this.#stopping.aborted || (await this.#isCancelled())) throw new TaskInterruptedError();
    }
  }

  async #rehearse(id: DeadLetterId, progress: TaskProgress): Promise<TaskProgress> {
    const letter = await this.#options.store.get(id);
    if (!letter) return { ...progress, gone: progress.gone + 1 };
    const rehearsed = await this.#ask(letter);
    const isRefused = 'code' in rehearsed;
    return {
      ...progress,
      refused: progress.refused + (isRefused ? 1 : 0),
      rehearsed: progress.rehearsed + (isRefused ? 0 : 1),
      rehearsals: [...progress.rehearsals, rehearsed]
        .sort((a, b) => Number('rooms' in a) - Number('rooms' in b))
        .slice(0, MAX_REHEARSALS),
    };
  }

  async #ask(letter: DeadLetter): Promise<Rehearsed> {
    const { id } = letter;
    const why = whyNotRedrivable(letter);
    if (why !== null) return { id, code: letter.code, message: why };
    const event = eventOf(letter);
    if (!event) return { id, code: letter.code, message: letter.message };
    return { id, ...(await this.#options.rehearse(event, this.#stopping)) };
  }

  async #isCancelled(): Promise<boolean> {
    return (await this.#options.client.exists(this.#options.keys.cancelled(this.#job.id as string))) === 1;
  }

  async #save(progress: TaskProgress): Promise<void> {
    this.#progress = progress;
    await this.#job.updateProgress({ ...progress });
  }

  async #pause(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.#stopping });
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
    }
  }
}

/** The task is not over, and goes on elsewhere, or is looked at again. */
export class TaskInterruptedError extends Error {
  override readonly name = 'TaskInterruptedError';

  constructor() {
    super('the task was left where it is');
  }
}
