import type { Tasks } from '@rejoin/jobs';
import type { DomainEvent } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import {
  type DeadLetter,
  type DeadLetterCounts,
  type DeadLetterFilter,
  type DeadLetterId,
  DeadLetterStore,
  eventOf,
  parseDeadLetterId,
  whyNotRedrivable,
} from '@rejoin/streams';
import { type Actor, tenantFor } from '../actor.ts';
import type { Audit } from '../audit/audit.ts';
import { OperationError } from '../errors.ts';
import { payloadReason } from '../payload-reason.ts';
import { DeadLetterTasks } from './dead-letter-tasks.ts';
import type { DeadLetterCountsView, DeadLetterDetail, DeadLettersPage, DeadLetterView } from './dead-letter-view.ts';
import type { DeadLetterAction, TaskView } from './task-view.ts';

export interface DeadLettersQuery extends DeadLetterFilter {
  readonly limit?: number;
  readonly after?: string;
}

/** Which dead letters are to be redriven or discarded: these, or those that match. */
export interface DeadLetterRequest {
  readonly ids?: readonly string[];
  readonly filter?: DeadLetterFilter;
  readonly reason: string;
  readonly dryRun?: boolean;
  /** Most of them in a second; as fast as it goes where absent. */
  readonly ratePerSecond?: number;
}

/** What today's audience rules make of an event; nothing is sent. */
export type Rehearse = (event: DomainEvent) => Promise<DeadLetterDetail['rehearsal']>;

/** Combinations of tenant, type and cause that a plan and a list of causes look at; what is beyond, `complete` says. */
const PLAN_BUDGET = 100_000;
const GROUP_BUDGET = 5_000;

/** Events that could not be delivered: to look at, to redrive, to discard. */
export class DeadLetters {
  readonly tasks: DeadLetterTasks;
  readonly #store: DeadLetterStore;
  readonly #audit: Audit;
  readonly #rehearse: Rehearse | undefined;

  constructor(
    client: RedisClient,
    keys: Keyspace,
    partitions: number,
    audit: Audit,
    tasks: Tasks,
    rehearse: Rehearse | undefined,
  ) {
    this.#rehearse = rehearse;
    this.#store = new DeadLetterStore(client, keys, partitions);
    this.#audit = audit;
    this.tasks = new DeadLetterTasks(tasks, audit);
  }

  /** Latest failure first. @throws OperationError */
  async list(actor: Actor, { limit = 50, after, ...asked }: DeadLettersQuery = {}): Promise<DeadLettersPage> {
    const filter = filterFor(actor, asked);
    try {
      const page = await this.#store.list({ filter, limit, ...(after === undefined ? {} : { after }) });
      const counts = actor.tenant === null ? await this.#store.counts() : null;
      return {
        items: page.items.map(viewOf),
        next: page.next,
        asOf: new Date().toISOString(),
        scanned: page.scanned,
        total: counts?.reduce((sum, count) => sum + count, 0) ?? null,
      };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new OperationError('INVALID_REQUEST', '`after` is not where a page of this list begins', { cause: error });
    }
  }

  /** Counts by cause, and by tenant and type. @throws OperationError */
  async group(actor: Actor, asked: DeadLetterFilter = {}): Promise<DeadLetterCountsView> {
    return countsView(await this.#store.group({ filter: filterFor(actor, asked), labelLimit: GROUP_BUDGET }), actor);
  }

  /**
   * One dead letter with all that is kept of it.
   * @param show whether its event is shown, which needs a reason; audited
   * @throws OperationError
   */
  async get(
    actor: Actor,
    id: string,
    show: { readonly payload: boolean; readonly reason?: string | undefined },
  ): Promise<DeadLetterDetail> {
    const reason = payloadReason(show.payload, show.reason);
    const letter = await this.#find(actor, id);
    if (reason !== null) {
      const filter = { deadLetter: id };
      await this.#audit.write(actor, { action: 'payload.show', filter, count: 1, result: 'done', reason });
    }
    const { event, eventBase64, stack = null } = letter;
    const parsed = eventOf(letter);
    const rehearsal = parsed && this.#rehearse ? await this.#rehearse(parsed) : null;
    return { ...viewOf(letter), stack, rehearsal, ...(show.payload ? { event: event ?? eventBase64 ?? null } : {}) };
  }

  /** @throws OperationError */
  redrive(actor: Actor, request: DeadLetterRequest): Promise<DeadLetterAction> {
    return this.#act(actor, 'redrive', request);
  }

  /** A tombstone says for a week what was discarded, by whom and why. @throws OperationError */
  discard(actor: Actor, request: DeadLetterRequest): Promise<DeadLetterAction> {
    return this.#act(actor, 'discard', request);
  }

  async #act(actor: Actor, kind: TaskView['kind'], request: DeadLetterRequest): Promise<DeadLetterAction> {
    const { ids, filter: asked, reason, dryRun = false, ratePerSecond } = request;
    if ((ids === undefined) === (asked === undefined)) {
      throw new OperationError('INVALID_REQUEST', 'name either `ids` or a `filter`; an empty filter means all');
    }
    const filter = filterFor(actor, asked ?? {});
    const plan = ids === undefined ? await this.#planOf(actor, filter) : await this.#planOfIds(actor, ids);
    if (dryRun) return { dryRun, plan, task: null };
    const task = await this.tasks.start(actor, {
      kind,
      reason,
      total: plan.complete ? plan.matched : null,
      ratePerSecond: ratePerSecond ?? null,
      // Failures that come later are not meant: nobody saw them in the plan.
      ...(ids === undefined ? { filter: { untilMs: Date.now(), ...filter } } : { ids: ids.map(idOf) }),
    });
    return { dryRun, plan, task };
  }

  async #planOf(actor: Actor, filter: DeadLetterFilter): Promise<DeadLetterCountsView> {
    return countsView(await this.#store.group({ filter, labelLimit: PLAN_BUDGET }), actor);
  }

  async #planOfIds(actor: Actor, ids: readonly string[]): Promise<DeadLetterCountsView> {
    const letters: DeadLetter[] = [];
    for (const id of new Set(ids)) letters.push(await this.#find(actor, id));
    const groups = new Map<string, DeadLetterCountsView['groups'][number]>();
    const tenants = new Map<string, DeadLetterCountsView['tenants'][number]>();
    for (const letter of letters) {
      const { fingerprint, code, message, firstFailedAt, lastFailedAt, tenantId = null, type = null } = letter;
      const group = groups.get(fingerprint) ?? { fingerprint, code, message, count: 0, firstFailedAt, lastFailedAt };
      groups.set(fingerprint, { ...group, count: group.count + 1 });
      const name = JSON.stringify([tenantId, type]);
      const pair = tenants.get(name) ?? { tenant: tenantId, type, count: 0 };
      tenants.set(name, { ...pair, count: pair.count + 1 });
    }
    const { length } = letters;
    const counts = { total: length, matched: length, scanned: length, complete: true, asOf: new Date().toISOString() };
    return { ...counts, groups: [...groups.values()], tenants: [...tenants.values()] };
  }

  /** One of another tenant is not found, so that nobody learns that it is there. */
  async #find(actor: Actor, id: string): Promise<DeadLetter> {
    const letter = await this.#store.get(idOf(id));
    if (letter && (actor.tenant === null || letter.tenantId === actor.tenant)) return letter;
    const tombstone = actor.tenant === null ? await this.#store.tombstone(idOf(id)) : null;
    const why = tombstone ? `: it was discarded at ${tombstone.discardedAt} (${tombstone.reason})` : '';
    throw new OperationError('NOT_FOUND', `there is no dead letter ${id}${why}`);
  }
}

function idOf(id: string): DeadLetterId {
  const parsed = parseDeadLetterId(id);
  if (!parsed) throw new OperationError('INVALID_REQUEST', `"${id.slice(0, 64)}" is not the id of a dead letter`);
  return parsed;
}

function filterFor(actor: Actor, { tenant, ...rest }: DeadLetterFilter): DeadLetterFilter {
  const bound = tenantFor(actor, tenant);
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(bound === undefined ? {} : { tenant: bound }) };
}

function viewOf(letter: DeadLetter): DeadLetterView {
  const { id, partition, entryId, eventId, type, tenantId, code, message, attempts, firstFailedAt, lastFailedAt } =
    letter;
  const why = whyNotRedrivable(letter);
  return {
    id,
    partition,
    entryId,
    eventId: eventId ?? null,
    type: type ?? null,
    tenant: tenantId ?? null,
    code,
    message,
    attempts,
    firstFailedAt,
    lastFailedAt,
    fingerprint: letter.fingerprint,
    redrivable: why === null,
    notRedrivable: why,
  };
}

/** Of how many there are in all, an actor of one tenant is not told. */
function countsView(counts: DeadLetterCounts, actor: Actor): DeadLetterCountsView {
  return {
    total: actor.tenant === null ? counts.total : counts.matched,
    matched: counts.matched,
    scanned: actor.tenant === null ? counts.scanned : counts.matched,
    complete: counts.complete,
    groups: [...counts.groups],
    tenants: counts.tenants.map(({ tenantId, type, count }) => ({ tenant: tenantId, type, count })),
    asOf: new Date().toISOString(),
  };
}
