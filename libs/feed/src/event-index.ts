import { type EntryId, isEntryId } from '@rejoin/protocol';
import type { PartitionKeys, RedisClient } from '@rejoin/redis';

/** An hour's names are one hash, so that all expire together. */
const HOUR_MS = 3_600_000;

/** The index into which fan-out writes at a time. */
export function eventIndexKey(keys: PartitionKeys, atMs: number): string {
  return keys.eventIndex(Math.floor(atMs / HOUR_MS));
}

/**
 * A short name of an event id: 53 bits in up to 12 characters (cyrb53). Two ids may share one; whoever looks an event up compares
 * the id that it then reads. No cryptography is needed: an id that is made to collide hides its own event, and only from operators.
 */
export function eventName(eventId: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < eventId.length; i++) {
    const code = eventId.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  // In two parts: the text of a number beyond 32 bits costs a multiple.
  return (high >>> 0).toString(36) + (low & 0x1f_ffff).toString(36);
}

const RECORD_EVENT_ID = /"eventId":("(?:[^"\\]|\\.)*")/;

/** The name of a dead letter's or a parked event's id; empty where none can be read. */
export function nameInRecord(record: string): string {
  const quoted = RECORD_EVENT_ID.exec(record)?.[1];
  if (quoted === undefined) return '';
  return eventName(quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1));
}

/**
 * The entries under an event id, latest first, as far as the replay window reaches. Of several events with one id that were fanned
 * out in one partition within one hour, the last.
 */
export async function findEntries(
  client: RedisClient,
  keys: PartitionKeys,
  eventId: string,
  windowMs: number,
): Promise<EntryId[]> {
  const name = eventName(eventId);
  const nowMs = Date.now();
  const hours = Math.ceil(windowMs / HOUR_MS) + 2;
  // A worker's clock may be a little ahead.
  const found = await Promise.all(
    Array.from({ length: hours + 1 }, (_, back) =>
      client.hget(eventIndexKey(keys, nowMs + HOUR_MS * (1 - back)), name),
    ),
  );
  return [...new Set(found.filter((entryId): entryId is EntryId => entryId !== null && isEntryId(entryId)))];
}
