import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { runFenced } from './fenced.ts';

export interface MemoryState {
  /** Whether publishing to the partition is refused now. */
  readonly full: boolean;
  readonly usedBytes: number;
  /** 0 where Redis has no limit. */
  readonly maxBytes: number;
}

const script = loadScript('memory-watch', import.meta.url);

/** How long a refusal outlives its last confirmation, so that it does not outlive a partition without an owner for long. */
const REFUSAL_TTL_MS = 5_000;

/**
 * Refuses publishing to a partition while its Redis uses more than `percent` of `maxmemory`, and allows it again below.
 * The rest is what accepted events need to reach their clients. See `memory-watch.lua`.
 * @throws FencedError
 */
export async function watchMemory(
  client: RedisClient,
  keys: PartitionKeys,
  token: string,
  percent: number,
): Promise<MemoryState> {
  const reply = await runFenced(script, client, keys, [keys.lease, keys.full], [token, percent, REFUSAL_TTL_MS]);
  const [full, usedBytes, maxBytes] = reply as [number, number, number];
  return { full: full === 1, usedBytes, maxBytes };
}
