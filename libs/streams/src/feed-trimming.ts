import type { EntryId } from '@rejoin/protocol';
import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';

export interface FeedExcess {
  /** How far back clients may resume, in milliseconds; what is older goes. */
  readonly windowMs: number;
  /** Bytes, as `feed-bytes` counts them, that must go beside. */
  readonly excessBytes: number;
  /**
   * The floor at which the excess was measured: where another has trimmed since, it counts no more, so that two who look after one
   * partition do not both remove it.
   */
  readonly measuredAt?: EntryId;
}

export interface FeedTrim {
  /** Entries. */
  readonly removed: number;
  readonly removedBytes: number;
  /** Whether there may be more to remove. */
  readonly more: boolean;
  /** Where the floor is now. */
  readonly floor: EntryId;
}

const script = loadScript('trim-feed', import.meta.url);

/** Entries of one slice. They are read to be counted, so this bounds how long a slice holds Redis: 64 × 64 KiB at worst. */
const SLICE_ENTRIES = 64;

/**
 * Removes a slice of the feed's entries beyond the replay window or the byte bound. See `trim-feed.lua`.
 * @throws FencedError
 */
export async function trimFeed(
  client: RedisClient,
  keys: PartitionKeys,
  token: string,
  { windowMs, excessBytes, measuredAt = '' }: FeedExcess,
): Promise<FeedTrim> {
  const { lease, feed, floor, feedBytes, floorAddressed } = keys;
  const reply = await runFenced(
    script,
    client,
    keys,
    [lease, feed, floor, feedBytes, floorAddressed],
    [token, windowMs, excessBytes, SLICE_ENTRIES, measuredAt],
  );
  const [removed, removedBytes, more, now] = reply as [number, number, number, EntryId];
  return { removed, removedBytes, more: more === 1, floor: now };
}

/**
 * How many bytes one partition's feed must give up so that all feeds together keep `maxBytes`: each gives up the same
 * part of what it has. An amount and not a level, so that a feed which has grown since it was measured is not cut to what
 * it was.
 * @param feedBytes bytes of every partition's feed
 */
export function feedExcessBytes(feedBytes: readonly number[], partition: number, maxBytes: number): number {
  const total = feedBytes.reduce((sum, bytes) => sum + bytes, 0);
  const own = feedBytes[partition] ?? 0;
  return total <= maxBytes ? 0 : Math.ceil((own / total) * (total - maxBytes));
}
