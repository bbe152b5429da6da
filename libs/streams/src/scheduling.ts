import type { EntryId } from '@rejoin/protocol';
import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { BacklogFullError, StreamUnavailableError } from './append-errors.ts';
import { RELEASE_SLICE, type Release, reappend } from './reappend.ts';

/** An event that shall be appended later. */
export interface SchedulableEvent {
  /** See `eventDigest`. */
  readonly digest: string;
  /** A CloudEvents 1.0 JSON object. */
  readonly json: string;
  readonly dueAtMs: number;
}

export type ScheduledEvent =
  /** It is kept until then; `isDuplicate` where it was before this call, perhaps for another time, which then holds. */
  | { readonly kind: 'scheduled'; readonly dueAtMs: number; readonly isDuplicate: boolean }
  /** It was appended less than ten minutes ago. */
  | { readonly kind: 'published'; readonly entryId: EntryId };

/** Scheduled events of one partition, where the caller names no other bound. */
export const DEFAULT_MAX_SCHEDULED = 100_000;
/** As long as an event's `source` + `id` is recognised. */
const DUPLICATE_WINDOW_MS = 600_000;

const scheduleScript = loadScript('schedule', import.meta.url);
const cancelScript = loadScript('schedule-cancel', import.meta.url);

/**
 * Keeps events of one partition until they are due, in one atomic step: all, or none where one of the errors is thrown. The
 * same `source` + `id` is kept once, so a call whose reply was lost may be repeated. See `schedule.lua`.
 * @throws BacklogFullError nothing was kept
 * @throws StreamUnavailableError nothing is known to have been kept
 */
export async function scheduleEvents(
  client: RedisClient,
  keys: PartitionKeys,
  events: readonly SchedulableEvent[],
  maxScheduled: number = DEFAULT_MAX_SCHEDULED,
): Promise<readonly ScheduledEvent[]> {
  const { partition, scheduled, scheduledOrder, seen, seenBefore, full } = keys;
  const args: (string | number)[] = [maxScheduled, DUPLICATE_WINDOW_MS];
  for (const { digest, json, dueAtMs } of events) args.push(digest, json, dueAtMs);
  let reply: readonly string[];
  try {
    reply = (await scheduleScript.run(client, [scheduled, scheduledOrder, seen, seenBefore, full], args)) as string[];
  } catch (error) {
    throw StreamUnavailableError.from(`partition ${partition} cannot be written`, error);
  }
  if (reply[0] === 'full') {
    throw new BacklogFullError(partition, 'memory', `Redis is short of memory (${reply[1]})`);
  }
  if (reply[0] === 'many') {
    throw new BacklogFullError(partition, 'backlog', `${reply[1]} of at most ${maxScheduled} events are scheduled`);
  }
  return events.map((_, index): ScheduledEvent => {
    const [outcome, value] = [reply[1 + 2 * index], reply[2 + 2 * index] as string];
    if (outcome === 'published') return { kind: 'published', entryId: value };
    return { kind: 'scheduled', dueAtMs: Number(value), isDuplicate: outcome === 'kept' };
  });
}

/** Takes a scheduled event away before it is due; says whether it was there. */
export async function cancelScheduled(client: RedisClient, keys: PartitionKeys, digest: string): Promise<boolean> {
  const { partition, scheduled, scheduledOrder } = keys;
  try {
    return (await cancelScript.run(client, [scheduled, scheduledOrder], [digest])) === 1;
  } catch (error) {
    throw StreamUnavailableError.from(`partition ${partition} cannot be written`, error);
  }
}

/** Appends scheduled events whose time has come, in one step; each only if it is still scheduled. See `releaseParked`. */
export async function releaseScheduled(client: RedisClient, keys: PartitionKeys, nowMs: number): Promise<Release> {
  const { scheduled, scheduledOrder } = keys;
  const digests = await client.zrangebyscore(scheduledOrder, '-inf', nowMs, 'LIMIT', 0, RELEASE_SLICE);
  if (digests.length === 0) return { outcomes: [], more: false };
  const texts = await client.hmget(scheduled, ...digests);
  const events = digests.flatMap((digest, index) => {
    const event = texts[index];
    return typeof event === 'string' ? [{ field: digest, entryId: null, digest, event, attempts: null }] : [];
  });
  const outcomes = await reappend(client, keys, { kept: scheduled, order: scheduledOrder }, events, {
    refusedWhenFull: false,
  });
  return { outcomes: outcomes ?? [], more: digests.length === RELEASE_SLICE };
}

/** When the events are due, scheduled and parked, that are due by a time. A bounded number of them. */
export async function dueTimesBy(
  client: RedisClient,
  { scheduledOrder, parkedOrder }: PartitionKeys,
  untilMs: number,
): Promise<number[]> {
  const replies = await Promise.all(
    [scheduledOrder, parkedOrder].map((order) =>
      client.zrangebyscore(order, '-inf', untilMs, 'WITHSCORES', 'LIMIT', 0, MAX_DUE_TIMES),
    ),
  );
  return replies.flatMap((flat) => flat.filter((_, index) => index % 2 === 1).map(Number));
}

const MAX_DUE_TIMES = 500;
