import type { DomainEvent, EntryId } from '@rejoin/protocol';
import type { PartitionKeys, RedisClient } from '@rejoin/redis';
import { type Attempts, failureText } from './attempts.ts';
import { eventDigest } from './digest.ts';
import { RELEASE_SLICE, type Release, reappend } from './reappend.ts';

/** An event that could not be handled for now. */
export interface Parking {
  readonly entryId: EntryId;
  /** The entry's text. */
  readonly text: string;
  readonly event: DomainEvent;
  /** Why, in words and as a code. */
  readonly code: string;
  readonly message: string;
  /** The attempt at hand. */
  readonly attempts: Attempts;
  /** Whether that attempt was made; `true` by default, `false` where it could only have failed. */
  readonly wasTried?: boolean;
  readonly failedAtMs: number;
  /** When it shall be tried again. */
  readonly dueAtMs: number;
}

/** A parked event, as it is kept until its next attempt. */
export interface ParkedEvent {
  /** The entry that it was. */
  readonly entryId: EntryId;
  /** The entry's text. */
  readonly event: string;
  readonly digest: string;
  readonly eventId: string;
  readonly tenantId: string;
  readonly type: string;
  readonly code: string;
  readonly message: string;
  /** Its last attempt, counted from 1 (0 where none was made yet), and the one with which its round began. */
  readonly attempt: number;
  readonly round: number;
  /** Times that it was put aside in this round without being tried; missing where that never happened. */
  readonly postponed?: number;
  /** RFC 3339. */
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
  readonly dueAt: string;
}

/** The JSON text of a parked event; `docs/reference/redis-keys.md` describes it. */
export function parkedRecord(parking: Parking): string {
  const { entryId, text, event, code, message, attempts, wasTried = true, failedAtMs, dueAtMs } = parking;
  const postponed = (attempts.postponed ?? 0) + (wasTried ? 0 : 1);
  const record: ParkedEvent = {
    entryId,
    event: text,
    digest: eventDigest(event.tenantid, event.source, event.id),
    eventId: event.id,
    tenantId: event.tenantid,
    type: event.type,
    code,
    message,
    attempt: wasTried ? attempts.attempt : attempts.attempt - 1,
    round: attempts.round,
    ...(postponed > 0 ? { postponed } : {}),
    firstFailedAt: new Date(attempts.firstFailedAtMs).toISOString(),
    lastFailedAt: new Date(failedAtMs).toISOString(),
    dueAt: new Date(dueAtMs).toISOString(),
  };
  return JSON.stringify(record);
}

/**
 * Appends parked events whose time has come at the tail, for their next attempt, in one step; each only if it is still
 * parked, so that any process may do this, at any time and as often as it likes.
 * @param nowMs what is due by then
 */
export async function releaseParked(client: RedisClient, keys: PartitionKeys, nowMs: number): Promise<Release> {
  const { parked, parkedOrder } = keys;
  const ids = await client.zrangebyscore(parkedOrder, '-inf', nowMs, 'LIMIT', 0, RELEASE_SLICE);
  if (ids.length === 0) return { outcomes: [], more: false };
  const events = (await readParked(client, keys, ids)).map(
    ({ attempt, round, postponed = 0, firstFailedAt, ...event }) => ({
      field: event.entryId,
      entryId: event.entryId,
      digest: event.digest,
      event: event.event,
      attempts: {
        attempt: attempt + 1,
        round,
        postponed,
        firstFailedAtMs: Date.parse(firstFailedAt),
        lastFailure: failureText(event.code, event.message),
      },
    }),
  );
  const outcomes = await reappend(client, keys, { kept: parked, order: parkedOrder }, events, {
    refusedWhenFull: false,
  });
  return { outcomes: outcomes ?? [], more: ids.length === RELEASE_SLICE };
}

/** Parked events of a partition, those that are due first coming first. */
export async function listParked(
  client: RedisClient,
  keys: PartitionKeys,
  { offset = 0, limit = 50 }: { readonly offset?: number; readonly limit?: number } = {},
): Promise<ParkedEvent[]> {
  return readParked(client, keys, await client.zrange(keys.parkedOrder, String(offset), String(offset + limit - 1)));
}

async function readParked(client: RedisClient, { parked }: PartitionKeys, ids: readonly string[]) {
  if (ids.length === 0) return [];
  const records = await client.hmget(parked, ...ids);
  return records
    .filter((record): record is string => record !== null)
    .map((record) => JSON.parse(record) as ParkedEvent);
}
