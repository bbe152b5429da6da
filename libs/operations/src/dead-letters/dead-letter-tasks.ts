import { InvalidTaskError, type Task, type Tasks } from '@rejoin/jobs';
import { type DeadLetterFilter, type DeadLetterId, formatDeadLetterId } from '@rejoin/streams';
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

/** As fast as it goes. */
const FULL_RATE = 10_000;

/** Redrives and discards: asked for and followed here, run by workers, and so none of them ends with this process. */
export class DeadLetterTasks {
  readonly #tasks: Tasks;
  readonly #audit: Audit;

  constructor(tasks: Tasks, audit: Audit) {
    this.#tasks = tasks;
    this.#audit = audit;
  }

  /** Audited before anything happens; the worker that ends it audits what came of it. @throws OperationError */
  async start(actor: Actor, request: TaskRequest): Promise<TaskView> {
    const { kind, reason, total, ratePerSecond, ids, filter = {} } = request;
    const what = ids === undefined ? { filter } : { ids: ids.length };
    await this.#audit.write(actor, {
      action: `dead-letters.${kind}`,
      filter: what,
      count: total,
      result: 'started',
      reason,
    });
    try {
      const task = await this.#tasks.start({
        kind,
        selection: ids === undefined ? { filter } : { ids: ids.map(formatDeadLetterId) },
        reason,
        by: actor.user,
        tenant: actor.tenant,
        ratePerSecond: ratePerSecond ?? FULL_RATE,
      });
      return viewOf(task);
    } catch (error) {
      if (!(error instanceof InvalidTaskError)) throw error;
      throw new OperationError('INVALID_REQUEST', error.message, { cause: error });
    }
  }

  /** Latest first; an actor of one tenant sees those that were asked for on behalf of its tenant. */
  async list(actor: Actor, limit = 50): Promise<TasksPage> {
    const { items } = await this.#tasks.list({
      limit,
      kinds: ['redrive', 'discard'],
      ...(actor.tenant === null ? {} : { tenant: actor.tenant }),
    });
    return { items: items.map(viewOf), next: null, asOf: new Date().toISOString() };
  }

  /** @throws OperationError `NOT_FOUND` */
  async get(actor: Actor, id: string): Promise<TaskView> {
    return viewOf(await this.#find(actor, id));
  }

  /** Ends a task within a second or its step at hand. @throws OperationError `NOT_FOUND` */
  async cancel(actor: Actor, id: string, reason: string): Promise<TaskView> {
    await this.#find(actor, id);
    if (await this.#tasks.cancel(id)) {
      await this.#audit.write(actor, {
        action: 'dead-letters.cancel',
        filter: { task: id },
        count: null,
        result: 'done',
        reason,
      });
    }
    return this.get(actor, id);
  }

  async #find(actor: Actor, id: string): Promise<Task> {
    const task = await this.#tasks.get(id);
    if (!task || task.kind === 'rehearse' || (actor.tenant !== null && task.tenant !== actor.tenant)) {
      throw new OperationError('NOT_FOUND', `there is no task ${id}`);
    }
    return task;
  }
}

function viewOf(task: Task): TaskView {
  const { id, kind, state, total, handled, ratePerSecond, reason, by, error } = task;
  const { redriven, discarded, duplicates, refused, gone } = task.outcomes;
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    id,
    kind: kind === 'discard' ? 'discard' : 'redrive',
    state,
    total,
    handled,
    outcomes: { redriven, discarded, duplicates, refused, gone },
    ratePerSecond: ratePerSecond === FULL_RATE ? null : ratePerSecond,
    reason,
    by,
    startedAt: time(task.startedAtMs),
    endedAt: time(task.endedAtMs),
    error,
  };
}
