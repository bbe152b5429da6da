import { type FeedEntry, findEntries, parseFeedEntry } from '@rejoin/feed';
import {
  compareEntryIds,
  ENTRY_ID_ZERO,
  type EntryId,
  isEntryId,
  parseCursor,
  parseRoom,
  partitionOf,
} from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { fieldOf, readStoredEvent, type StoredEvent } from '../events/stored-event.ts';

/** Where an event is, and what can be read of it there. */
export interface EventLocation {
  readonly partition: number;
  readonly entryId: EntryId;
  readonly state: 'waiting' | 'parked' | 'fanned_out' | 'dead_lettered' | 'trimmed';
  readonly event: Pick<StoredEvent, 'id' | 'tenant' | 'type' | 'time'>;
  /** As `roomOf` names them; `null` where it was not resolved, or that is forgotten. */
  readonly rooms: readonly string[] | null;
  readonly epoch: string;
  readonly done: EntryId;
  readonly pending: boolean;
  readonly failure: {
    readonly code: string;
    readonly message: string;
    readonly lastFailedAt: string;
    readonly attempts: number;
  } | null;
}

/** Waiting entries of one partition that a look for an event id reads at most. */
const WAITING_BUDGET = 2_000;
const WAITING_STEP = 200;

/** Finds events by their id, their entry ID or a cursor. */
export class EventFinder {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;
  readonly #windowMs: number;

  constructor(client: RedisClient, keys: Keyspace, partitions: number, windowMs: number) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
    this.#windowMs = windowMs;
  }

  /** Everything under this name, latest first; of one tenant, where it is given. */
  async find(name: string, tenant: string | undefined): Promise<EventLocation[]> {
    const partitions = tenant === undefined ? this.#all() : [partitionOf(tenant, this.#partitions)];
    const found = (await Promise.all(partitions.map((partition) => this.#findIn(partition, name)))).flat();
    return found
      .filter(({ event }) => tenant === undefined || event.tenant === null || event.tenant === tenant)
      .sort((a, b) => compareEntryIds(b.entryId, a.entryId));
  }

  async #findIn(partition: number, name: string): Promise<EventLocation[]> {
    const cursor = parseCursor(name);
    if (cursor && cursor.partition !== partition) return [];
    const entryId = cursor?.entryId ?? (isEntryId(name) ? name : null);
    if (entryId !== null) {
      const location = await this.#locate(partition, entryId, null);
      return location ? [location] : [];
    }
    const keys = this.#keys.partition(partition);
    const [indexed, waiting] = await Promise.all([
      findEntries(this.#client, keys, name, this.#windowMs),
      this.#findWaiting(partition, name),
    ]);
    const locations = await Promise.all(indexed.map((id) => this.#locate(partition, id, name)));
    return [...waiting, ...locations.filter((location) => location !== null)];
  }

  /** @param eventId what the entry's event must be called; `null` for any */
  async #locate(partition: number, entryId: EntryId, eventId: string | null): Promise<EventLocation | null> {
    const k = this.#keys.partition(partition);
    const [feed, events, dead, parked, done, floor, epoch] = await Promise.all([
      this.#client.xrangeBuffer(k.feed, entryId, entryId),
      this.#client.xrange(k.events, entryId, entryId),
      this.#client.hget(k.dead, entryId),
      this.#client.hget(k.parked, entryId),
      this.#client.get(k.done),
      this.#client.get(k.floor),
      this.#client.get(k.epoch),
    ]);
    const at = { partition, entryId, epoch: epoch ?? '', done: done ?? ENTRY_ID_ZERO, pending: false };
    const [entry] = feed;
    if (entry) {
      const parsed = parseFeedEntry(entry[0], entry[1]);
      const event = readStoredEvent(parsed.event.toString());
      if (eventId !== null && event.id !== eventId) return null;
      return {
        ...at,
        state: 'fanned_out',
        event: { ...event, tenant: parsed.tenant, type: parsed.type },
        rooms: roomsOf(parsed),
        failure: null,
      };
    }
    const record = dead ?? parked;
    if (record !== null) {
      const { eventId: id = null, tenantId: tenant = null, type = null, ...failure } = recordOf(record);
      if (eventId !== null && id !== null && id !== eventId) return null;
      const { code = 'UNKNOWN', message = '', lastFailedAt = '', attempt = 1, attempts = attempt } = failure;
      const state = dead === null ? 'parked' : 'dead_lettered';
      return {
        ...at,
        state,
        event: { id, tenant, type, time: null },
        rooms: null,
        failure: { code, message, lastFailedAt, attempts },
      };
    }
    const [stored] = events;
    if (stored && compareEntryIds(entryId, at.done) > 0)
      return {
        ...at,
        state: 'waiting',
        event: readStoredEvent(fieldOf(stored[1], 'event')),
        rooms: null,
        failure: null,
      };
    if (compareEntryIds(entryId, floor ?? ENTRY_ID_ZERO) > 0) return null;
    // That it existed says the index alone; an entry ID below the floor may be anything.
    return {
      ...at,
      state: 'trimmed',
      event: { id: eventId, tenant: null, type: null, time: null },
      rooms: null,
      failure: null,
    };
  }

  /** Reads the backlog from its beginning, as far as the budget goes. */
  async #findWaiting(partition: number, eventId: string): Promise<EventLocation[]> {
    const { events, done: doneKey } = this.#keys.partition(partition);
    const quoted = JSON.stringify(eventId);
    let from = `(${(await this.#client.get(doneKey)) ?? ENTRY_ID_ZERO}`;
    for (let read = 0; read < WAITING_BUDGET; read += WAITING_STEP) {
      const entries = await this.#client.xrange(events, from, '+', 'COUNT', WAITING_STEP);
      for (const [entryId, fields] of entries) {
        from = `(${entryId}`;
        const text = fieldOf(fields, 'event');
        if (!text?.includes(quoted) || readStoredEvent(text).id !== eventId) continue;
        const location = await this.#locate(partition, entryId, eventId);
        return location ? [location] : [];
      }
      if (entries.length < WAITING_STEP) break;
    }
    return [];
  }

  #all(): number[] {
    return Array.from({ length: this.#partitions }, (_, partition) => partition);
  }
}

function roomsOf({ rooms }: FeedEntry): string[] {
  return rooms.filter((room) => room !== '');
}

/** Audience tokens of rooms, for people. */
export function audienceOf(rooms: readonly string[]): string[] {
  return rooms.map((room) => parseRoom(room).token);
}

interface FailureRecord {
  readonly eventId?: string;
  readonly tenantId?: string;
  readonly type?: string;
  readonly code?: string;
  readonly message?: string;
  readonly lastFailedAt?: string;
  /** Of a dead letter. */
  readonly attempts?: number;
  /** Of a parked event. */
  readonly attempt?: number;
}

function recordOf(text: string): FailureRecord {
  try {
    return JSON.parse(text) as FailureRecord;
  } catch {
    // Somebody else wrote it: where it lies is all that is known.
    return {};
  }
}
