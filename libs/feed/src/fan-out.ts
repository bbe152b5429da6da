import type { EntryId } from '@rejoin/protocol';
import { GROUP, loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { FencedError, labelOfRecord, PausedError, StaleBatchError } from '@rejoin/streams';
import { DUPLICATE_WINDOW_MS, ROOM_GRACE_MS } from './bounds.ts';
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

/** Writes what was resolved into feed and room indexes, one atomic step per batch. See `fan-out.lua`. */
export class FanOut {
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  readonly #options: FanOutOptions;

  constructor(client: RedisClient, keys: PartitionKeys, options: FanOutOptions) {
    this.#client = client;
    this.#keys = keys;
    this.#options = options;
  }

  /**
   * Fans out one batch. The items must be the stream's next entries, in order; together they may name at most
   * `MAX_ROOM_WRITES` rooms.
   * @param token the fencing token of the partition's lease
   * @param after the entry behind which the first item stands in the stream
   * @throws FencedError where another worker owns the partition now
   * @throws PausedError where the partition is paused
   * @throws StaleBatchError where `after` is not what was handled last: start again from there
   * @throws FeedAheadError where the feed ends beyond an entry that it lacks
   */
  async run(token: string, after: EntryId, items: readonly FanOutItem[]): Promise<FanOutResult> {
    const k = this.#keys;
    const keys = [k.lease, k.events, k.feed, k.done, k.seen, k.seenBefore, k.handled, k.feedBytes, k.dead, k.deadOrder];
    keys.push(k.parked, k.parkedOrder, k.paused, k.deadIndex);
    const index = namesOf(items).byKey(k);
    keys.push(...index.map(([key]) => key));
    const args: (string | number)[] = [
      token,
      GROUP,
      this.#options.windowMs + ROOM_GRACE_MS,
      this.#options.maxPerRoom,
      DUPLICATE_WINDOW_MS,
      after,
      index.length,
      ...index.map(([, text]) => text),
      items.length,
    ];
    const positions = new Map<string, number>();
    for (const item of items) {
      if (item.kind !== 'deliver') {
        const time = item.kind === 'dead' ? item.failedAtMs : item.dueAtMs;
        args.push(item.kind, item.entryId, item.record, time);
        if (item.kind === 'dead') args.push(labelOfRecord(item.record));
        continue;
      }
      const { entryId, digest, tenant, type, event, rooms, traceparent } = item;
      args.push('deliver', entryId, digest, routeOf(tenant, type, rooms, traceparent), event, rooms.length);
      for (const room of rooms) {
        let position = positions.get(room);
        if (position === undefined) {
          position = keys.push(k.room(room));
          positions.set(room, position);
        }
        args.push(position);
      }
    }
    try {
      const reply = (await script.run(this.#client, keys, args)) as [number, number, number, number];
      const [delivered, duplicates, dead, parked] = reply;
      return { delivered, duplicates, dead, parked };
    } catch (error) {
      throw typed(error, k.partition);
    }
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
