import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import { GROUP, loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { FencedError, labelOfRecord, PausedError, StaleBatchError } from '@rejoin/streams';
import { DUPLICATE_WINDOW_MS, MAX_ROOM_WRITES, ROOM_GRACE_MS } from './bounds.ts';
import { FeedAheadError } from './errors.ts';
import { EventNames, eventIdInRecord } from './event-index.ts';
import { routeOf } from './feed-entry.ts';

/** What becomes of one entry of the event stream. */
export type FanOutItem =
  | {
      readonly kind: 'deliver';
      readonly entryId: EntryId;
      readonly eventId: string;
      /** `eventDigest` of the event, for recognising a repeated one. */
      readonly digest: string;
      readonly tenant: string;
      /** Distinct rooms, as `roomOf` names them. */
      readonly rooms: readonly string[];
      readonly type: string;
      /** See `sampledTraceparent`. */
      readonly traceparent?: string | undefined;
      /** JSON text of the event as clients receive it. */
      readonly event: string;
    }
  | {
      readonly kind: 'dead';
      readonly entryId: EntryId;
      /** Why, as in the record. */
      readonly code: string;
      /** JSON text of the dead letter. */
      readonly record: string;
      readonly failedAtMs: number;
    }
  | {
      readonly kind: 'park';
      readonly entryId: EntryId;
      /** See `parkedRecord`. */
      readonly record: string;
      /** When it shall be tried again. */
      readonly dueAtMs: number;
    };

export interface FanOutOptions {
  /** How far back clients may resume, in milliseconds. */
  readonly windowMs: number;
  /** Most entries of a room index. */
  readonly maxPerRoom: number;
}

export interface FanOutResult {
  readonly delivered: number;
  /** Dropped, because the same `source` + `id` was seen before. */
  readonly duplicates: number;
  readonly dead: number;
  readonly parked: number;
}

const script = loadScript('fan-out', import.meta.url);
const writeAheadScript = loadScript('write-ahead', import.meta.url);
const takeBackScript = loadScript('take-back', import.meta.url);

/** Whether the item is fanned out in several steps. Its batch is it alone, and nothing else may be sent before it is done. */
export function takesSteps(item: FanOutItem): item is Delivery {
  return item.kind === 'deliver' && item.rooms.length > MAX_ROOM_WRITES;
}

/**
 * Writes what was resolved into feed and room indexes, one atomic step per batch. See `fan-out.lua`.
 *
 * No step makes more than `MAX_ROOM_WRITES` room writes. An event with more rooms is written to most of them ahead, in steps that
 * nobody sees, and the last step makes it visible everywhere at once.
 */
export class FanOut {
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  /** Of room indexes: their time to live in milliseconds, and their most entries. */
  readonly #retention: readonly [number, number];
  /** The last ID of the feed where everything up to `after` is handled, as long as no run failed. Asking Redis costs it more. */
  #fed: { readonly after: EntryId; readonly feedLast: EntryId } | undefined;

  constructor(client: RedisClient, keys: PartitionKeys, { windowMs, maxPerRoom }: FanOutOptions) {
    this.#client = client;
    this.#keys = keys;
    this.#retention = [windowMs + ROOM_GRACE_MS, maxPerRoom];
  }

  /**
   * Fans out one batch. The items must be the stream's next entries, in order; one that `takesSteps` must be alone.
   * @param token the fencing token of the partition's lease
   * @param after the entry behind which the first item stands in the stream
   * @throws FencedError where another worker owns the partition now
   * @throws PausedError where the partition is paused
   * @throws StaleBatchError where `after` is not what was handled last, or the items are not ascending: start again from there
   * @throws FeedAheadError where the feed ends beyond an entry that it lacks
   */
  async run(token: string, after: EntryId, items: readonly FanOutItem[]): Promise<FanOutResult> {
    try {
      return await this.#run(token, after, items);
    } catch (error) {
      // It may have written to the feed.
      this.#fed = undefined;
      throw typed(error, this.#keys.partition);
    }
  }

  /**
   * Takes back what was written ahead of a fan-out that did not come. An owner does so before it prepares anything.
   * @throws FencedError where another worker owns the partition now
   * @throws StaleBatchError where something of an earlier session of this owner comes between: begin again
   */
  async takeBack(token: string): Promise<void> {
    const { lease, feed, ahead, partition } = this.#keys;
    const [entryId, ...names] = await this.#client.lrange(ahead, 0, -1);
    if (entryId === undefined) return;
    try {
      for (let left = names.length; left > 0; ) {
        const rooms = names.slice(Math.max(0, left - MAX_ROOM_WRITES), left).map((room) => this.#keys.room(room));
        left = (await takeBackScript.run(
          this.#client,
          [lease, feed, ahead, ...rooms],
          [token, entryId, left],
        )) as number;
      }
    } catch (error) {
      throw typed(error, partition);
    }
  }

  async #run(token: string, after: EntryId, items: readonly FanOutItem[]): Promise<FanOutResult> {
    const k = this.#keys;
    const wide = items.find(takesSteps);
    if (wide && items.length > 1) throw new RangeError('an item that takes several steps must be alone');
    // Without such an item the script is sent in this turn, so that batches keep their order.
    const roomsAhead = wide ? await this.#writeAhead(token, after, wide) : 0;
    const keys = [k.lease, k.events, k.feed, k.done, k.seen, k.seenBefore, k.handled, k.feedBytes, k.dead, k.deadOrder];
    keys.push(k.parked, k.parkedOrder, k.paused, k.deadIndex, k.ahead);
    const index = namesOf(items).byKey(k);
    keys.push(...index.map(([key]) => key));
    const args: (string | number)[] = [
      token,
      GROUP,
      ...this.#retention,
      DUPLICATE_WINDOW_MS,
      after,
      roomsAhead,
      this.#fed?.after === after ? this.#fed.feedLast : '',
      index.length,
      ...index.map(([, text]) => text),
      items.length,
    ];
    let previous = after;
    for (const { entryId } of items) {
      if (compareEntryIds(entryId, previous) <= 0) throw new StaleBatchError(k.partition);
      args.push(entryId);
      previous = entryId;
    }
    for (const item of items) args.push(item.kind === 'deliver' ? item.digest : '');
    const roomKeys = new RoomKeys(keys, k);
    for (const item of items) {
      if (item.kind === 'deliver') {
        const { tenant, type, rooms, traceparent, event } = item;
        const here = wide ? rooms.slice(roomsAhead) : rooms;
        args.push(routeOf(tenant, type, rooms, traceparent), event, roomKeys.positionsOf(here));
      } else if (item.kind === 'dead') {
        args.push(`dead:${labelOfRecord(item.record)}`, item.record, item.failedAtMs);
      } else args.push('park', item.record, item.dueAtMs);
    }
    const reply = (await script.run(this.#client, keys, args)) as [number, number, number, number, EntryId];
    const [delivered, duplicates, dead, parked, feedLast] = reply;
    this.#fed = { after: previous, feedLast };
    return { delivered, duplicates, dead, parked };
  }

  /** Writes an item to all but the last of its rooms, in steps; see `write-ahead.lua`. Returns to how many. */
  async #writeAhead(token: string, after: EntryId, { entryId, digest, rooms }: Delivery): Promise<number> {
    const { lease, done, paused, seen, seenBefore, ahead } = this.#keys;
    const fixed = [lease, done, paused, seen, seenBefore, ahead];
    const count = Math.floor((rooms.length - 1) / MAX_ROOM_WRITES) * MAX_ROOM_WRITES;
    for (let written = 0; written < count; written += MAX_ROOM_WRITES) {
      const names = rooms.slice(written, written + MAX_ROOM_WRITES);
      const keys = [...fixed, ...names.map((room) => this.#keys.room(room))];
      const args = [token, after, entryId, digest, DUPLICATE_WINDOW_MS, written, ...this.#retention, ...names];
      if ((await writeAheadScript.run(this.#client, keys, args)) !== 1) break;
    }
    return count;
  }
}

type Delivery = Extract<FanOutItem, { kind: 'deliver' }>;

/** Adds the keys of rooms to those of a script, each once, and names them by their positions. */
class RoomKeys {
  readonly #keys: string[];
  readonly #partition: PartitionKeys;
  readonly #positions = new Map<string, number>();

  constructor(keys: string[], partition: PartitionKeys) {
    this.#keys = keys;
    this.#partition = partition;
  }

  positionsOf(rooms: readonly string[]): string {
    let positions = '';
    for (const room of rooms) positions += positions === '' ? this.#positionOf(room) : ` ${this.#positionOf(room)}`;
    return positions;
  }

  #positionOf(room: string): number {
    let position = this.#positions.get(room);
    if (position === undefined) {
      position = this.#keys.push(this.#partition.room(room));
      this.#positions.set(room, position);
    }
    return position;
  }
}

function namesOf(items: readonly FanOutItem[]): EventNames {
  const names = new EventNames();
  for (const item of items) {
    const eventId = item.kind === 'deliver' ? item.eventId : eventIdInRecord(item.record);
    if (eventId !== null) names.add(eventId, item.entryId);
  }
  return names;
}

function typed(error: unknown, partition: number): unknown {
  if (!(error instanceof Error)) return error;
  if (error.message.startsWith('FENCED')) return new FencedError(partition, { cause: error });
  if (error.message.startsWith('PAUSED')) return new PausedError(partition, { cause: error });
  if (error.message.startsWith('STALE_BATCH')) return new StaleBatchError(partition, { cause: error });
  if (error.message.startsWith('FEED_AHEAD')) return new FeedAheadError(partition, { cause: error });
  return error;
}
