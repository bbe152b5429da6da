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
import { type Keyspace, type RedisClient, someAtATime } from '@rejoin/redis';
import { fieldOf, readStoredEvent, type StoredEvent } from '../events/stored-event.ts';
import { searchWaiting } from './waiting-search.ts';

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

/** What was found under a name. */
export interface FoundEvents {
  /** Latest first. */
  readonly locations: readonly EventLocation[];
  /** Waiting entries that were looked at by event id. */
  readonly looked: number;
  /** Whether nothing else can have this name: else more wait than were looked at. */
  readonly complete: boolean;
}

/** Milliseconds for looking through waiting entries. */
const WAITING_MS = 100;
/** Partitions whose index is looked at at once. */
const AT_ONCE = 8;

/** Finds events by their id, their entry ID or a cursor. */
export class EventFinder {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;
  readonly #windowMs: number;
  readonly #waitingMs: number;

  /** @param waitingMs how long waiting entries are looked through for an event id */
  constructor(client: RedisClient, keys: Keyspace, partitions: number, windowMs: number, waitingMs = WAITING_MS) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
    this.#windowMs = windowMs;
    this.#waitingMs = waitingMs;
  }

  /** Everything under this name; of one tenant, where it is given. */
  async find(name: string, tenant: string | undefined): Promise<FoundEvents> {
    const partitions = tenant === undefined ? this.#all() : [partitionOf(tenant, this.#partitions)];
    const cursor = parseCursor(name);
    const entryId = cursor?.entryId ?? (isEntryId(name) ? name : null);
    const { locations, ...search } =
      entryId === null
        ? await this.#findById(partitions, name)
        : await this.#findAt(
            cursor ? partitions.filter((partition) => partition === cursor.partition) : partitions,
            entryId,
          );
    return {
      ...search,
      locations: locations
        .filter((location) => location !== null)
        .filter(({ event }) => tenant === undefined || event.tenant === null || event.tenant === tenant)
        .sort((a, b) => compareEntryIds(b.entryId, a.entryId)),
    };
  }

  async #findAt(partitions: readonly number[], entryId: EntryId) {
    const locations = await someAtATime(partitions, AT_ONCE, (partition) => this.#locate(partition, entryId, null));
    return { locations, looked: 0, complete: true };
  }

  /**
   * What was handled is indexed. Where nothing is found there, what waits is looked through, and then the index once more: an event
   * that is handled meanwhile is found in one of both. Else only the ends of what waits are looked at, for another of this id.
   */
  async #findById(partitions: readonly number[], eventId: string) {
    const known = await this.#indexed(partitions, eventId);
    const budgetMs = known.length > 0 ? 0 : this.#waitingMs;
    const { found, ...search } = await searchWaiting(this.#client, this.#keys, partitions, eventId, budgetMs);
    const handled = known.length > 0 ? known : await this.#indexed(partitions, eventId);
    const places = new Map([...found, ...handled].map((place) => [`${place.partition}.${place.entryId}`, place]));
    const locations = await someAtATime([...places.values()], AT_ONCE, ({ partition, entryId }) =>
      this.#locate(partition, entryId, eventId),
    );
    return { locations, ...search };
  }

  async #indexed(partitions: readonly number[], eventId: string) {
    const places = await someAtATime(partitions, AT_ONCE, async (partition) => {
      const ids = await findEntries(this.#client, this.#keys.partition(partition), eventId, this.#windowMs);
      return ids.map((entryId) => ({ partition, entryId }));
    });
    return places.flat();
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
