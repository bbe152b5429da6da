import type { RedisClient } from '@rejoin/redis';

/** A connection that was just replaced is given this time to answer, in milliseconds. */
const PATIENCE_MS = 5_000;
const replacedAtMs = new WeakMap<RedisClient, number>();

/**
 * Replaces a client's connection where a command timed out on it: a peer that vanished behind a firewall neither answers
 * nor closes, and the operating system would wait for it for minutes.
 */
export function replaceSilentConnection(client: RedisClient, error: unknown): void {
  if ((error as Error).message !== 'Command timed out' || client.status !== 'ready') return;
  const nowMs = performance.now();
  if (nowMs - (replacedAtMs.get(client) ?? Number.NEGATIVE_INFINITY) < PATIENCE_MS) return;
  replacedAtMs.set(client, nowMs);
  client.disconnect(true);
}
