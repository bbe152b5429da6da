import { CONSUMER, GROUP, loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';

const script = loadScript('idle-consumers', import.meta.url);

/** Somebody who looked at the group by hand, and is gone for a day. */
const IDLE_MS = 86_400_000;

/**
 * Removes consumers that somebody made in our group beside ours, once they are idle for `idleMs` and have nothing pending. See
 * `idle-consumers.lua`.
 * @returns how many were removed
 * @throws FencedError
 */
export async function removeIdleConsumers(
  client: RedisClient,
  keys: PartitionKeys,
  token: string,
  idleMs = IDLE_MS,
): Promise<number> {
  return (await runFenced(script, client, keys, [keys.lease, keys.events], [token, GROUP, CONSUMER, idleMs])) as number;
}
