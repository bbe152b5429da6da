import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';

const script = loadScript('upkeep-mark', import.meta.url);

/**
 * Records that upkeep of the partition was done, for `ms` milliseconds of Redis' clock. See `upkeep-mark.lua`.
 * @throws FencedError
 */
export async function markUpkept(client: RedisClient, keys: PartitionKeys, token: string, ms: number): Promise<void> {
  await runFenced(script, client, keys, [keys.lease, keys.upkept], [token, ms]);
}
