import {
  type Cursor,
  compareEntryIds,
  type EntryId,
  entryIdTimeMs,
  type GapReason,
  laterEntryId,
} from '@rejoin/protocol';
import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import type { ReplayRoom } from './replay.ts';

/** What Redis knows about a position; see `resume-point.lua`. */
export interface ResumePoint {
  readonly epoch: string;
  readonly floor: EntryId;
  /** The highest trimmed entry that was in a room: below it something may be missing. */
  readonly floorAddressed: EntryId;
  readonly nowMs: number;
  readonly eventsLast: EntryId;
  readonly feedLast: EntryId;
  readonly entryExists: boolean;
  /** First feed entry after the cursor. */
  readonly following: EntryId | null;
  /** Highest entry that the size bound cut from one of the rooms and that was the client's to see. */
  readonly cut: EntryId | null;
}

/** Where a replay begins, and why it cannot be whole. */
export interface ReplayStart {
  readonly after: EntryId;
  /** The position behind which nothing is missing. */
  readonly oldest: EntryId;
  readonly gap: GapReason | null;
}

const script = loadScript('resume-point', import.meta.url);

/** @param cursor `null` where there is none to judge */
export async function readResumePoint(
  client: RedisClient,
  keys: PartitionKeys,
  cursor: EntryId | null,
  rooms: readonly ReplayRoom[],
): Promise<ResumePoint> {
  const roomKeys = rooms.map(({ room }) => keys.room(room));
  const reply = await script.run(
    client,
    [keys.epoch, keys.floor, keys.events, keys.feed, keys.floorAddressed, ...roomKeys],
    [cursor ?? '', ...rooms.map(({ since }) => since)],
  );
  const [epoch, floor, now, eventsLast, feedLast, exists, following, cut, floorAddressed] = reply as [
    string,
    EntryId,
    string,
    EntryId,
    EntryId,
    number,
    EntryId,
    EntryId,
    EntryId,
  ];
  return {
    epoch,
    floor,
    floorAddressed,
    nowMs: Number(now),
    eventsLast,
    feedLast,
    entryExists: exists === 1,
    following: following || null,
    cut: cut || null,
  };
}

/**
 * Decides whether everything after `cursor` can still be replayed. Never silent: where it cannot, what is retained is
 * replayed from `after` and `gap` says why.
 * @param cursor what the client brought, `null` where it was unreadable
 */
export function judgeCursor(
  cursor: Cursor | null,
  partition: number,
  point: ResumePoint,
  windowMs: number,
): ReplayStart {
  const gap = (reason: GapReason, after: EntryId, oldest = after): ReplayStart => ({ after, oldest, gap: reason });
  if (cursor === null) return gap('unreadable', point.floor);
  if (cursor.partition !== partition) return gap('partition', point.floor);
  const { entryId } = cursor;
  // Where its history broke, what the client has not seen of today's history comes after its position in time. A position
  // beyond the feed would silence the connection until the feed has passed it.
  const within = earlierEntryId(laterEntryId(entryId, point.floor), point.feedLast);
  if (cursor.epoch !== point.epoch) return gap('epoch', within);
  if (compareEntryIds(entryId, laterEntryId(point.eventsLast, point.feedLast)) > 0) return gap('ahead', within);
  if (compareEntryIds(entryId, point.floorAddressed) < 0) return gap('window', point.floor);
  if (compareEntryIds(entryId, point.floor) > 0 && !point.entryExists) return gap('unknown_entry', entryId);
  // An index may have expired with what it held before the window, though the feed still has it. Where nothing follows the
  // cursor, or only younger entries do, nothing can be missing.
  const windowStart = point.nowMs - windowMs;
  if (point.following !== null && entryIdTimeMs(point.following) < windowStart) {
    // Within the feed: what is fanned out late, under an older ID than that, is still to come.
    return gap('window', earlierEntryId(laterEntryId(entryId, `${windowStart}-0`), point.feedLast));
  }
  if (point.cut !== null && compareEntryIds(entryId, point.cut) < 0) return gap('room_limit', entryId, point.cut);
  return { after: entryId, oldest: entryId, gap: null };
}

function earlierEntryId(a: EntryId, b: EntryId): EntryId {
  return compareEntryIds(a, b) <= 0 ? a : b;
}
