import type { PartitionKeys, RedisClient } from '@rejoin/redis';

/** A partition whose worker takes nothing new until an end. */
export interface PartitionPause {
  /** Milliseconds since the Unix epoch, by Redis' clock. */
  readonly untilMs: number;
  readonly reason: string;
  readonly by?: string;
}

/** Longest pause. */
export const MAX_PAUSE_MS = 7 * 86_400_000;

/**
 * Stops a partition's fan-out for a time: what was taken is finished, nothing new is taken, and publishing goes on, so that
 * the backlog grows. It ends by itself; a second call replaces the first.
 * @param forMs at least 1, at most {@link MAX_PAUSE_MS}
 * @throws RangeError
 */
export async function pausePartition(
  client: RedisClient,
  { paused }: PartitionKeys,
  { forMs, reason, by }: { readonly forMs: number; readonly reason: string; readonly by?: string },
): Promise<void> {
  if (!Number.isInteger(forMs) || forMs < 1 || forMs > MAX_PAUSE_MS) {
    throw new RangeError(`a pause lasts between 1 and ${MAX_PAUSE_MS} ms`);
  }
  await client.set(paused, JSON.stringify({ reason, by }), 'PX', forMs);
}

/** Ends a pause before its end; says whether there was one. The worker goes on within a second. */
export async function resumePartition(client: RedisClient, { paused }: PartitionKeys): Promise<boolean> {
  return (await client.del(paused)) === 1;
}

/** The pause that holds for a partition now. */
export async function pauseOf(client: RedisClient, { paused }: PartitionKeys): Promise<PartitionPause | null> {
  const [text, untilMs] = await Promise.all([client.get(paused), client.pexpiretime(paused)]);
  if (text === null) return null;
  return { ...(JSON.parse(text) as { reason: string; by?: string }), untilMs };
}
