import { ENTRY_ID_ZERO, isEntryId, partitionOf } from '@rejoin/protocol';
import { type Keyspace, type RedisClient, someAtATime } from '@rejoin/redis';
import { type Actor, tenantFor } from '../actor.ts';
import type { Audit } from '../audit/audit.ts';
import { payloadReason } from '../payload-reason.ts';
import { formatPosition, parsePosition } from '../position.ts';
import { comparePlaces, EventLane, type EventPlace } from './event-lane.ts';
import { type EventsQuery, roomOfFilter } from './event-query.ts';
import type { EventsPage, EventView } from './event-view.ts';

const SCAN_BUDGET = 10_000;
/** Partitions that are looked at at once. */
const AT_ONCE = 8;

/**
 * Looks at events without taking them, over all partitions in the order of time. At a bounded cost: a page ends where it is
 * full or where so many entries were looked at, and says which.
 */
export class Events {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;
  readonly #audit: Audit;

  constructor(client: RedisClient, keys: Keyspace, partitions: number, audit: Audit) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
    this.#audit = audit;
  }

  /** @throws OperationError */
  async peek(actor: Actor, asked: EventsQuery = {}): Promise<EventsPage> {
    const query: EventsQuery = { ...asked, tenant: tenantFor(actor, asked.tenant) };
    roomOfFilter(query);
    const { tenant, limit = 50, scanLimit = SCAN_BUDGET, payload = false } = query;
    const after = query.after === undefined ? null : placeOf(parsePosition(query.after, isPlace));
    const partitions =
      tenant === undefined
        ? Array.from({ length: this.#partitions }, (_, partition) => partition)
        : [partitionOf(tenant, this.#partitions)];
    const reason = payloadReason(payload, query.reason);
    if (reason !== null) await this.#auditPayloads(actor, query, reason);
    const lanes = await Promise.all(partitions.map((partition) => this.#lane(partition, query, after)));
    const { items, next } = await merge(lanes, query.order !== 'oldest', limit, scanLimit);
    return {
      items,
      next: next && formatPosition([next.entryId, next.partition]),
      asOf: new Date().toISOString(),
      scanned: lanes.reduce((sum, lane) => sum + lane.scanned, 0),
      total: actor.tenant === null ? await this.#total(partitions) : null,
      exhausted: items.length === limit || next === null,
    };
  }

  /** Written before anything is shown. */
  async #auditPayloads(
    actor: Actor,
    { tenant, type, subject, audience, sinceMs, untilMs, limit, after }: EventsQuery,
    reason: string,
  ) {
    const filter = { events: { tenant, type, subject, audience, sinceMs, untilMs, limit, after } };
    const detail = 'payloads of events were shown';
    await this.#audit.write(actor, {
      action: 'payload.show',
      filter,
      count: null,
      result: 'done',
      reason,
      detail,
    });
  }

  async #lane(partition: number, query: EventsQuery, after: EventPlace | null): Promise<EventLane> {
    const keys = this.#keys.partition(partition);
    const [done, epoch] = await Promise.all([this.#client.get(keys.done), this.#client.get(keys.epoch)]);
    return new EventLane({ client: this.#client, keys, query, epoch: epoch ?? '', done: done ?? ENTRY_ID_ZERO, after });
  }

  async #total(partitions: readonly number[]): Promise<number> {
    const lengths = await Promise.all(
      partitions.map((partition) => {
        const { feed, events, handled } = this.#keys.partition(partition);
        return Promise.all([this.#client.xlen(feed), this.#client.xlen(events), this.#client.get(handled)]);
      }),
    );
    return lengths.reduce((sum, [feed, events, handled]) => sum + feed + Math.max(0, events - Number(handled ?? 0)), 0);
  }
}

/**
 * Takes matches in order. One may be taken only when every lane has looked beyond it, so the lanes that are least far look on
 * first, and all together stay at about one time.
 */
async function merge(lanes: readonly EventLane[], newest: boolean, limit: number, scanLimit: number) {
  const sign = newest ? -1 : 1;
  const places = (a: EventPlace, b: EventPlace): number => sign * comparePlaces(a, b);
  const items: EventView[] = [];
  let budget = scanLimit;
  for (;;) {
    const heads = lanes.flatMap(({ found }) => found.slice(0, 1)).sort(places);
    const head = heads[0];
    const behind = lanes.filter((lane) => lane.found.length === 0 && !lane.isOver && !isBeyond(lane, head, sign));
    if (behind.length === 0) {
      if (!head) return { items, next: null };
      items.push(head);
      (lanes.find(({ found }) => found[0] === head) as EventLane).found.shift();
      if (items.length < limit) continue;
      const over = lanes.every((lane) => lane.isOver && lane.found.length === 0);
      return { items, next: over ? null : head };
    }
    if (budget <= 0) return { items, next: frontierOf(lanes, items, places) };
    const share = Math.max(1, Math.ceil(budget / behind.length));
    const before = lanes.reduce((sum, { scanned }) => sum + scanned, 0);
    await someAtATime(behind, AT_ONCE, (lane) => lane.advance(share, limit - items.length));
    budget -= Math.max(1, lanes.reduce((sum, { scanned }) => sum + scanned, 0) - before);
  }
}

/** Whether everything that a lane has yet to show comes after `head`. */
function isBeyond({ frontier }: EventLane, head: EventView | undefined, sign: number): boolean {
  return (
    head !== undefined &&
    frontier !== null &&
    sign * comparePlaces({ entryId: frontier, partition: -1 }, { ...head, partition: -1 }) > 0
  );
}

/** The last place that every lane has passed; the next page begins behind it. */
function frontierOf(
  lanes: readonly EventLane[],
  items: readonly EventView[],
  places: (a: EventPlace, b: EventPlace) => number,
) {
  const last = items.at(-1);
  const fronts = lanes
    .filter((lane) => !lane.isOver && lane.frontier !== null)
    .map((lane): EventPlace => ({ entryId: lane.frontier as string, partition: lane.partition }))
    .sort(places);
  const first = fronts[0] ?? null;
  if (!last) return first;
  return first && places(first, last) > 0 ? first : { entryId: last.entryId, partition: last.partition };
}

function placeOf([entryId, partition]: readonly [string, number]): EventPlace {
  return { entryId, partition };
}

function isPlace(value: unknown): value is readonly [string, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === 'string' &&
    isEntryId(value[0]) &&
    Number.isInteger(value[1])
  );
}
