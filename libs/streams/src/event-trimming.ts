import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';

const script = loadScript('trim-events', import.meta.url);

/** Entries of one slice; a slice of this size holds Redis for well under a millisecond. */
const SLICE_ENTRIES = 5_000;

/**
 * Removes a slice of what is handled from the event stream; never what is not yet fanned out. See `trim-events.lua`.
 * @returns the number of removed entries; 0 where nothing is left to do
 * @throws FencedError
 */
export async function trimEvents(client: RedisClient, keys: PartitionKeys, token: string): Promise<number> {
  const { lease, events, done, handled } = keys;
  return (await runFenced(script, client, keys, [lease, events, done, handled], [token, SLICE_ENTRIES])) as number;
}
