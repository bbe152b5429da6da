import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';

export interface FeedBounds {
  /** How far back clients may resume, in milliseconds. */
  readonly windowMs: number;
  /** Bytes of this partition's feed that may stay, as `feed-bytes` counts them. */
  readonly maxBytes: number;
}

export interface FeedTrim {
  readonly removed: number;
  /** Bytes that stay. */
  readonly bytes: number;
  /** Whether more is due. */
  readonly more: boolean;
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
  bounds: FeedBounds,
): Promise<FeedTrim> {
  const { lease, feed, floor, feedBytes } = keys;
  const reply = await runFenced(
    script,
    client,
    keys,
    [lease, feed, floor, feedBytes],
    [token, bounds.windowMs, bounds.maxBytes, SLICE_ENTRIES],
  );
  const [removed, bytes, more] = reply as [number, string, number];
  return { removed, bytes: Number(bytes), more: more === 1 };
}

/**
 * How many bytes one partition's feed may keep so that all feeds together keep `maxBytes`: each gives up the same
 * part of what it has.
 * @param feedBytes bytes of every partition's feed
 */
export function feedByteShare(feedBytes: readonly number[], partition: number, maxBytes: number): number {
  const total = feedBytes.reduce((sum, bytes) => sum + bytes, 0);
  const own = feedBytes[partition] ?? 0;
  return total <= maxBytes ? Number.MAX_SAFE_INTEGER : Math.floor((own / total) * maxBytes);
}
