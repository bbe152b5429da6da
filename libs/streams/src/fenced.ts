import type { PartitionKeys, RedisClient, Script } from '@rejoin/redis';
import { FencedError } from './errors.ts';

/**
 * Runs a script whose first argument is a fencing token.
 * @throws FencedError where the lease is not held with it
 */
export async function runFenced(
  script: Script,
  client: RedisClient,
  { partition }: PartitionKeys,
  keys: readonly string[],
  args: readonly [token: string, ...rest: (string | number)[]],
): Promise<unknown> {
  try {
    return await script.run(client, keys, args);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('FENCED'))
      throw new FencedError(partition, { cause: error });
    throw error;
  }
}
