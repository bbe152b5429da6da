import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';

const script = loadScript('rotate-seen', import.meta.url);

/** How long a generation of seen digests is the current one: as long as an event's `source` + `id` is recognised. */
const GENERATION_MS = 600_000;

/**
 * Makes the current generation of seen digests the previous one where it is older than `generationMs`. See
 * `rotate-seen.lua`.
 * @returns whether the generations changed
 * @throws FencedError
 */
export async function rotateSeen(
  client: RedisClient,
  keys: PartitionKeys,
  token: string,
  generationMs = GENERATION_MS,
): Promise<boolean> {
  const { lease, seen, seenBefore } = keys;
  return (await runFenced(script, client, keys, [lease, seen, seenBefore], [token, generationMs])) === 1;
}
