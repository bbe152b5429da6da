import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { DeadLetterFilter, DeadLetterId, DeadLetterStore } from '@rejoin/streams';
import type { Actor } from '../actor.ts';
import type { Audit } from '../audit/audit.ts';
import { OperationError } from '../errors.ts';
import type { TasksPage, TaskView } from './task-view.ts';

export interface TaskRequest {
  readonly kind: TaskView['kind'];
  readonly reason: string;
  readonly total: number | null;
  readonly ratePerSecond: number | null;
  /** One of the two. */
  readonly ids?: readonly DeadLetterId[];
  readonly filter?: DeadLetterFilter;
}

/** Tasks that are remembered; the oldest ended one goes. */
const MAX_TASKS = 200;
const MAX_RUNNING = 8;
/** Dead letters that are handled between two looks at rate and cancellation. */
const STEP = 25;
/** How often a partition that refuses publishing is tried again, and how long in between. */
const FULL_PAUSE_MS = 1_000;
const MAX_FULL_PAUSES = 60;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A task's state: `running` → `done`, `cancelled` or `failed`, set in one place. */
interface Task {
  readonly view: Mutable<TaskView>;
  readonly actor: Actor;
  readonly stop: AbortController;
}

/**
 * Redrives and discards that are under way in this process. Each dead letter is one atomic step that may be repeated, so a task
 * whose process ends has done what it did, and asking for it again does the rest.
 */
export class DeadLetterTasks {
  readonly #store: DeadLetterStore;
  readonly #audit: Audit;
  readonly #tasks = new Map<string, Task>();
  readonly #runs = new Set<Promise<void>>();

  constructor(store: DeadLetterStore, audit: Audit) {
    this.#store = store;
    this.#audit = audit;
  }

  /** Begins; audited before anything happens. @throws OperationError `CONFLICT` where too many are running */
  async start(actor: Actor, request: TaskRequest): Promise<TaskView> {
    if (this.#runs.size >= MAX_RUNNING) {
      throw new OperationError('CONFLICT', `${MAX_RUNNING} tasks are running already: wait for one, or cancel one`);
    }
    const { kind, reason, total, ratePerSecond, ids, filter } = request;
    const id = randomUUID();
    const view: Mutable<TaskView> = {
      id,
      kind,
      state: 'running',
      total,
      handled: 0,
      outcomes: { redriven: 0, discarded: 0, duplicates: 0, refused: 0, gone: 0 },
      ratePerSecond,
      reason,
      by: actor.user,
      startedAt: new Date().toISOString(),
      endedAt: null,
      error: null,
    };
    const task: Task = { view, actor, stop: new AbortController() };
    const what = { ...(ids === undefined ? { filter } : { ids: ids.length }), task: id };
    await this.#audit.write(actor, {
      action: `dead-letters.${kind}`,
      filter: what,
      count: total,
      result: 'started',
      reason,
    });
    this.#remember(id, task);
    const run = this.#run(task, request).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
    return snapshot(view);
  }

  /** Latest first; an actor of one tenant sees those of its tenant. */
  list(actor: Actor, limit = 50): TasksPage {
    const items = [...this.#tasks.values()].filter((task) => isVisible(task, actor)).map(({ view }) => snapshot(view));
    return { items: items.reverse().slice(0, limit), next: null, asOf: new Date().toISOString() };
  }

  /** @throws OperationError `NOT_FOUND` */
  get(actor: Actor, id: string): TaskView {
    return snapshot(this.#find(actor, id).view);
  }

  /** Ends a task after the step at hand. @throws OperationError `NOT_FOUND` */
  async cancel(actor: Actor, id: string, reason: string): Promise<TaskView> {
    const { view, stop } = this.#find(actor, id);
    if (view.state === 'running') {
      await this.#audit.write(actor, {
        action: 'dead-letters.cancel',
        filter: { task: id },
        count: null,
        result: 'done',
        reason,
      });
      stop.abort();
    }
    return snapshot(view);
  }

  /** Resolves when every task has ended after its step at hand. */
  async stop(): Promise<void> {
    for (const { stop } of this.#tasks.values()) stop.abort();
    await Promise.all(this.#runs);
  }

  #find(actor: Actor, id: string): Task {
    const task = this.#tasks.get(id);
    if (!task || !isVisible(task, actor)) throw new OperationError('NOT_FOUND', `there is no task ${id}`);
    return task;
  }

  #remember(id: string, task: Task): void {
    this.#tasks.set(id, task);
    if (this.#tasks.size <= MAX_TASKS) return;
    for (const [old, { view }] of this.#tasks) {
      if (view.state === 'running') continue;
      this.#tasks.delete(old);
      return;
    }
  }

  async #run(task: Task, request: TaskRequest): Promise<void> {
    const { view, actor, stop } = task;
    let error: string | null = null;
    try {
      for await (const ids of this.#batches(request)) {
        if (stop.signal.aborted) break;
        const startedMs = performance.now();
        await this.#handle(task, ids);
        if (view.ratePerSecond !== null) {
          await wait(startedMs + (ids.length / view.ratePerSecond) * 1_000 - performance.now(), stop.signal);
        }
      }
    } catch (failure) {
      error = (failure as Error).message;
    }
    this.#end(view, error !== null ? 'failed' : stop.signal.aborted ? 'cancelled' : 'done', error);
    const { redriven, discarded, refused } = view.outcomes;
    const detail = `${redriven} redriven, ${discarded} discarded, ${refused} refused${error === null ? '' : `; ${error}`}`;
    const result = error !== null ? 'failed' : view.state === 'cancelled' || refused > 0 ? 'partial' : 'done';
    const filter = { task: view.id };
    try {
      await this.#audit.write(actor, {
        action: `dead-letters.${view.kind}`,
        filter,
        count: view.handled,
        result,
        reason: view.reason,
        detail,
      });
    } catch (failure) {
      view.error = `the end could not be audited: ${(failure as Error).message}`;
    }
  }

  #end(view: Mutable<TaskView>, state: TaskView['state'], error: string | null): void {
    view.state = state;
    view.error = error;
    view.endedAt = new Date().toISOString();
  }

  /** What is to be handled, step by step: a page is read on from where the last one ended, whatever stayed behind. */
  async *#batches({ ids, filter, ratePerSecond }: TaskRequest): AsyncGenerator<readonly DeadLetterId[]> {
    const step = Math.max(1, Math.min(STEP, Math.ceil((ratePerSecond ?? Number.MAX_SAFE_INTEGER) / 4)));
    if (ids !== undefined) {
      for (let i = 0; i < ids.length; i += step) yield ids.slice(i, i + step);
      return;
    }
    let after: string | null = null;
    do {
      const page: { items: readonly DeadLetterId[]; next: string | null } = await this.#store.list({
        filter: filter ?? {},
        limit: step,
        after,
      });
      if (page.items.length > 0) yield page.items;
      after = page.next;
    } while (after !== null);
  }

  async #handle({ view, actor, stop }: Task, ids: readonly DeadLetterId[]): Promise<void> {
    const { outcomes } = view;
    if (view.kind === 'discard') {
      const gone = await this.#store.discard(ids, { reason: view.reason, by: actor.user, jobId: view.id });
      for (const was of gone) outcomes[was ? 'discarded' : 'gone'] += 1;
      view.handled += ids.length;
      return;
    }
    let left = ids;
    for (let pauses = 0; left.length > 0; pauses += 1) {
      const results = await this.#store.redrive(left, { jobId: view.id });
      const full: DeadLetterId[] = [];
      for (const [index, { outcome }] of results.entries()) {
        if (outcome === 'full') {
          full.push(left[index] as DeadLetterId);
          continue;
        }
        view.handled += 1;
        if (outcome === 'appended') outcomes.redriven += 1;
        else if (outcome === 'duplicate') outcomes.duplicates += 1;
        else if (outcome === 'refused') outcomes.refused += 1;
        else outcomes.gone += 1;
      }
      left = full;
      if (left.length === 0 || stop.signal.aborted) return;
      if (pauses === MAX_FULL_PAUSES) throw new Error('publishing is refused: Redis is short of memory');
      await wait(FULL_PAUSE_MS, stop.signal);
    }
  }
}

function isVisible({ actor: owner }: Task, actor: Actor): boolean {
  return actor.tenant === null || owner.tenant === actor.tenant;
}

function snapshot(view: TaskView): TaskView {
  return { ...view, outcomes: { ...view.outcomes } };
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    // Cancelled: whoever waits looks at the signal next.
    if (!signal.aborted) throw error;
  }
}
