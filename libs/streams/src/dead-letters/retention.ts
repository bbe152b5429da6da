import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from '../fenced.ts';

export interface DeadLetterRetention {
  /** Since the last failure, in milliseconds. */
  readonly maxAgeMs: number;
  /** Dead letters of one partition; the oldest go first. */
  readonly maxCount: number;
}

export interface DeadLettersRemoved {
  readonly removed: number;
  readonly tombstones: number;
  /** Whether there may be more to remove. */
  readonly more: boolean;
}

const script = loadScript('retention', import.meta.url);

/** How long it is known that a dead letter was discarded, and why. */
export const TOMBSTONE_MS = 7 * 86_400_000;
/** Dead letters of one slice; a record may have a megabyte, and to free one takes its time. */
const SLICE = 200;

/**
 * Removes a slice of the dead letters beyond their retention. See `retention.lua`.
 * @throws FencedError
 */
export async function retainDeadLetters(
  client: RedisClient,
  keys: PartitionKeys,
  token: string,
  { maxAgeMs, maxCount }: DeadLetterRetention,
): Promise<DeadLettersRemoved> {
  const { lease, dead, deadOrder, deadIndex, tombstones, tombstoneOrder } = keys;
  const reply = await runFenced(
    script,
    client,
    keys,
    [lease, dead, deadOrder, tombstones, tombstoneOrder, deadIndex],
    [token, maxAgeMs, maxCount, TOMBSTONE_MS, SLICE],
  );
  const [removed, forgotten, more] = reply as [number, number, number];
  return { removed, tombstones: forgotten, more: more === 1 };
}
