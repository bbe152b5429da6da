import { compareEntryIds, entryIdTimeMs, formatCursor } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type GatewayAnswer, type GatewayControl, standingRevocation, type TraceReply } from '@rejoin/socketio';
import { type Actor, tenantFor } from '../actor.ts';
import { OperationError } from '../errors.ts';
import { healthOf } from '../partitions/health.ts';
import type { Sampler } from '../partitions/sampler.ts';
import { audienceOf, EventFinder, type EventLocation } from './event-location.ts';
import { judge } from './judge.ts';
import type { GatewayTrace, TraceStep, TraceView, Verdict } from './trace-view.ts';

export interface TraceQuery {
  readonly tenant?: string;
  /** Whose case is judged. */
  readonly user?: string;
}

type Answers = readonly GatewayAnswer<TraceReply>[];

const STALE_MS = 30_000;

/** The way of one event, from its publisher to its clients, and why somebody did not get it. */
export class Traces {
  readonly #finder: EventFinder;
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #control: GatewayControl;
  readonly #sampler: Sampler;

  constructor(
    client: RedisClient,
    keys: Keyspace,
    partitions: number,
    windowMs: number,
    control: GatewayControl,
    sampler: Sampler,
    waitingMs?: number,
  ) {
    this.#finder = new EventFinder(client, keys, partitions, windowMs, waitingMs);
    this.#client = client;
    this.#keys = keys;
    this.#control = control;
    this.#sampler = sampler;
  }

  /**
   * @param name the event's id, its entry ID or its cursor
   * @throws OperationError `NOT_FOUND` where nothing within the replay window has this name
   */
  async trace(actor: Actor, name: string, query: TraceQuery = {}): Promise<TraceView> {
    const tenant = tenantFor(actor, query.tenant);
    const { locations, looked, complete } = await this.#finder.find(name, tenant);
    const [location, ...others] = locations;
    // What is trimmed does not say whose it was, so it is nobody's who is bound to a tenant.
    if (!location || (actor.tenant !== null && location.event.tenant !== actor.tenant)) {
      throw new OperationError(
        'NOT_FOUND',
        `no event "${name.slice(0, 128)}" was handled within the replay window, and ${complete ? 'none waits' : unfinished(looked)}`,
      );
    }
    const { partition, entryId, event, rooms, state, epoch } = location;
    const owner = event.tenant ?? tenant;
    if (query.user !== undefined && owner === undefined)
      throw new OperationError('INVALID_REQUEST', 'a user is of one tenant: name it as well');
    const user = query.user === undefined ? null : { tenant: query.tenant ?? (owner as string), user: query.user };
    const answers = await this.#control.ask({ kind: 'trace', partition, entryId, type: event.type, rooms, user });
    return {
      eventId: event.id,
      entryId,
      cursor: formatCursor({ epoch, partition, entryId }),
      partition,
      tenant: event.tenant,
      type: event.type,
      state,
      audience: rooms && audienceOf(rooms),
      steps: stepsOf(location, answers),
      gateways: answers.map((answer) => gatewayOf(answer, location)),
      deadLetterId: state === 'dead_lettered' ? `${partition}.${entryId}` : null,
      complete,
      others: others.map((other) => ({ partition: other.partition, entryId: other.entryId })),
      verdict: user && (await this.#judge(user, location, answers, complete ? [] : [unfinished(looked)])),
      asOf: new Date().toISOString(),
    };
  }

  async #judge(
    { tenant, user }: { tenant: string; user: string },
    location: EventLocation,
    answers: Answers,
    caveats: readonly string[],
  ): Promise<Verdict> {
    const { partition } = location;
    if (location.state === 'waiting') await this.#sampler.lookAt(partition);
    const { status, reason } = healthOf(this.#sampler.window(partition), this.#sampler.nowMs, STALE_MS);
    const verdict = judge({
      user,
      tenant,
      location,
      sessions: answers.flatMap(({ gateway, reply }) =>
        (reply?.sessions ?? []).map((session) => ({ ...session, gateway, position: reply?.position ?? '0-0' })),
      ),
      revocation: await standingRevocation(this.#client, this.#keys, { tenantId: tenant, userId: user }),
      silent: answers.filter(({ reply }) => reply === null).map(({ gateway }) => gateway),
      partition: `partition ${partition} is ${status}: ${reason}`,
    });
    return { ...verdict, evidence: [...verdict.evidence, ...caveats] };
  }
}

/** What is not known where waiting events were not looked through to the end. */
function unfinished(looked: number): string {
  return `of the events that wait, ${looked} were looked at: another one of them may have this id. A tenant, an entry ID or a cursor leads to it`;
}

function gatewayOf({ gateway, reply }: GatewayAnswer<TraceReply>, { entryId }: EventLocation): GatewayTrace {
  if (reply === null)
    return {
      gateway,
      answered: false,
      reached: false,
      connections: 0,
      written: 0,
      acknowledged: 0,
      filtered: 0,
      behind: 0,
    };
  const { position, connections, written, acknowledged, filtered, behind } = reply;
  return {
    gateway,
    answered: true,
    reached: compareEntryIds(position, entryId) >= 0,
    connections,
    written,
    acknowledged,
    filtered,
    behind,
  };
}

/** Times that nobody records are left open rather than made up. */
function stepsOf({ state, entryId, rooms, failure, partition }: EventLocation, answers: Answers): TraceStep[] {
  const steps: TraceStep[] = [
    {
      stage: 'published',
      at: new Date(entryIdTimeMs(entryId)).toISOString(),
      detail: `appended to partition ${partition} as ${entryId}`,
    },
  ];
  if (state === 'waiting') steps.push({ stage: 'waiting', at: null, detail: 'not handled yet' });
  if (failure) {
    const stage = state === 'parked' ? 'parked' : 'dead_lettered';
    steps.push({
      stage,
      at: failure.lastFailedAt || null,
      detail: `attempt ${failure.attempts}: ${failure.code}: ${failure.message}`,
    });
  }
  if (state === 'trimmed')
    steps.push({
      stage: 'trimmed',
      at: null,
      detail: 'no longer in the feed: it is beyond the replay window, or its bytes were',
    });
  if (rooms === null) return steps;
  steps.push({ stage: 'fanned_out', at: null, detail: `to ${audienceOf(rooms).join(', ') || 'nobody'}` });
  for (const { gateway, reply } of answers) {
    if (reply === null) {
      steps.push({ stage: 'gateway', at: null, detail: `${gateway} did not answer` });
      continue;
    }
    const isThere = compareEntryIds(reply.position, entryId) >= 0;
    steps.push({
      stage: 'gateway',
      at: null,
      detail: `${gateway} ${isThere ? 'has read it' : `is at ${reply.position}`}; ${reply.connections} connections may see it now`,
    });
    if (reply.written > 0)
      steps.push({
        stage: 'delivered',
        at: null,
        detail: `written to ${reply.written} connections of ${gateway}, left out by ${reply.filtered} filters`,
      });
    if (reply.acknowledged > 0)
      steps.push({ stage: 'acknowledged', at: null, detail: `by ${reply.acknowledged} connections of ${gateway}` });
  }
  return steps;
}
