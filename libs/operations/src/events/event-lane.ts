import { compareEntryIds, type EntryId, entryIdTimeMs, formatCursor, parseRoom } from '@rejoin/protocol';
import type { PartitionKeys, RedisClient } from '@rejoin/redis';
import { type EventsQuery, roomOfFilter, textOfFilter, waitingMatcher } from './event-query.ts';
import type { EventView } from './event-view.ts';
import { peekFeed, readRoute } from './feed-peek.ts';
import { readStoredEvent } from './stored-event.ts';
import { peekWaiting } from './waiting-peek.ts';

/** Waiting entries of a first look and of further ones, where all of them match and most of them are not taken. */
const FIRST_WAITING_STEP = 16;
const WAITING_STEP = 100;

/** An entry, and the partition that tells it from another's of the same ID: the order of a list over partitions. */
export interface EventPlace {
  readonly entryId: EntryId;
  readonly partition: number;
}

export function comparePlaces(a: EventPlace, b: EventPlace): number {
  return compareEntryIds(a.entryId, b.entryId) || a.partition - b.partition;
}

export interface LaneOptions {
  readonly client: RedisClient;
  readonly keys: PartitionKeys;
  readonly query: EventsQuery;
  readonly epoch: string;
  /** The last entry handled: what is above waits, what is below is in the feed. */
  readonly done: EntryId;
  readonly after: EventPlace | null;
}

/**
 * One partition's events as one sequence, the waiting ones and those of the feed: no entry is in both, for what waits has
 * higher IDs than everything handled.
 */
export class EventLane {
  /** Matches that are read and not taken, next one first. */
  readonly found: EventView[] = [];
  /** Everything up to here, in the lane's order, was looked at; `null` before the first look. */
  frontier: EntryId | null = null;
  scanned = 0;
  readonly #options: LaneOptions;
  readonly #newest: boolean;
  readonly #segments: ('waiting' | 'fanned_out')[];
  #from: string;
  /** What every waiting event that matches contains. */
  readonly #text: string;
  readonly #min: string;
  readonly #max: string;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { query, after, keys } = options;
    this.#newest = query.order !== 'oldest';
    this.#text = textOfFilter(query);
    const both = this.#newest ? (['waiting', 'fanned_out'] as const) : (['fanned_out', 'waiting'] as const);
    this.#segments = both.filter((stage) => query.stage === undefined || query.stage === stage);
    this.#min = query.sinceMs === undefined ? '-' : String(query.sinceMs);
    this.#max = query.untilMs === undefined ? '+' : String(query.untilMs);
    this.#from = this.#newest ? this.#max : this.#min;
    if (after) {
      // Of the same ID, partitions come in their order; those that come before were shown.
      const shown = this.#newest ? keys.partition >= after.partition : keys.partition <= after.partition;
      this.#from = `${shown ? '(' : ''}${after.entryId}`;
    }
  }

  get partition(): number {
    return this.#options.keys.partition;
  }

  /** Whether nothing is left to look at; some of what was found may be left to take. */
  get isOver(): boolean {
    return this.#segments.length === 0;
  }

  /** Looks on, at most `budget` entries. */
  async advance(budget: number, most: number): Promise<void> {
    do {
      const [stage] = this.#segments;
      if (stage === 'waiting') await this.#lookAtWaiting(budget);
      else if (stage === 'fanned_out') await this.#lookAtFeed(budget, most);
    } while (this.frontier === null && !this.isOver);
  }

  async #lookAtFeed(budget: number, most: number): Promise<void> {
    const { client, keys, query } = this.#options;
    const { tenant, type, subject } = query;
    const [from, to] = this.#bounds();
    const { looked, last, isOver, entries } = await peekFeed(client, keys.feed, {
      newest: this.#newest,
      from,
      to,
      entries: budget,
      matches: most,
      tenant,
      type,
      room: roomOfFilter(query) ?? undefined,
      text: subject === undefined ? undefined : JSON.stringify(subject),
    });
    for (const { entryId, route, event } of entries) {
      const view = this.#feedView(entryId, route, event);
      if (subject === undefined || view.subject === subject) this.found.push(view);
    }
    this.#moved(looked, last, isOver);
  }

  async #lookAtWaiting(budget: number): Promise<void> {
    const { client, keys, query } = this.#options;
    const [from, to] = this.#bounds();
    const step = this.frontier === null ? FIRST_WAITING_STEP : WAITING_STEP;
    const { looked, last, isOver, entries } = await peekWaiting(client, keys.events, {
      newest: this.#newest,
      from,
      to,
      entries: this.#text === '' ? Math.min(budget, step) : budget,
      text: this.#text,
    });
    const matches = waitingMatcher(query);
    for (const { entryId, event: text } of entries) {
      const event = readStoredEvent(text);
      if (matches(event)) this.found.push(this.#view(entryId, 'waiting', event, text ?? ''));
    }
    this.#moved(looked, last, isOver);
  }

  /** The bounds of the segment at hand, in the order in which a range command takes them. Up to `done` nothing waits. */
  #bounds(): [string, string] {
    const end = this.#newest ? this.#min : this.#max;
    if (this.#segments[0] !== 'waiting') return [this.#from, end];
    return this.#newest ? [this.#from, this.#behindDone(end)] : [this.#behindDone(this.#from), end];
  }

  #behindDone(bound: string): string {
    const { done } = this.#options;
    return bound === '-' || compareEntryIds(idOf(bound), done) <= 0 ? `(${done}` : bound;
  }

  #moved(looked: number, last: EntryId | null, isOver: boolean): void {
    this.scanned += looked;
    if (last) {
      this.frontier = last;
      this.#from = `(${last}`;
    }
    if (isOver) this.#segments.shift();
  }

  #feedView(entryId: EntryId, route: string, json: string): EventView {
    const { tenant, type, rooms } = readRoute(entryId, route);
    const audience = rooms.map((room) => parseRoom(room).token);
    return this.#view(entryId, 'fanned_out', { ...readStoredEvent(json), tenant, type, audience }, json);
  }

  #view(
    entryId: EntryId,
    stage: EventView['stage'],
    event: ReturnType<typeof readStoredEvent>,
    json: string,
  ): EventView {
    const { keys, epoch, query } = this.#options;
    return {
      partition: keys.partition,
      entryId,
      cursor: formatCursor({ epoch, partition: keys.partition, entryId }),
      stage,
      eventId: event.id,
      type: event.type,
      tenant: event.tenant,
      subject: event.subject,
      time: event.time,
      appendedAt: new Date(entryIdTimeMs(entryId)).toISOString(),
      audience: [...event.audience],
      bytes: Buffer.byteLength(json),
      ...(query.payload ? { data: event.data ?? null } : {}),
    };
  }
}

function idOf(bound: string): EntryId {
  const id = bound.startsWith('(') ? bound.slice(1) : bound;
  return id.includes('-') ? id : `${id}-0`;
}
