import { randomBytes } from 'node:crypto';
import type { Keyspace } from './keyspace.ts';
import type { RedisClient } from './script.ts';

/** The process is configured with another partition count than the installation was first started with. */
export class PartitionCountMismatchError extends Error {
  readonly code = 'PARTITION_COUNT_MISMATCH';
  override readonly name = 'PartitionCountMismatchError';
  readonly configured: number;
  readonly installed: number;

  constructor(configured: number, installed: number) {
    super(
      `REJOIN_PARTITIONS is ${configured}, but this installation was first started with ${installed}. ` +
        `Set it to ${installed}; another count needs another REJOIN_PREFIX or an empty Redis.`,
    );
    this.configured = configured;
    this.installed = installed;
  }
}

export interface Installation {
  readonly partitions: number;
}

/**
 * Fixes the partition count and every partition's epoch where this is the first start, and checks them otherwise. Writes
 * only what is missing, for Redis refuses these commands while its memory is full, and a process must be able to start
 * then.
 * @param partitions the configured count; `undefined` takes the installation's, 8 on a first start
 * @throws PartitionCountMismatchError
 */
export async function openInstallation(
  client: RedisClient,
  keys: Keyspace,
  partitions: number | undefined,
): Promise<Installation> {
  let installed = Number(await client.hget(keys.installation, 'partitions'));
  if (installed === 0) {
    await client.hsetnx(keys.installation, 'partitions', partitions ?? DEFAULT_PARTITIONS);
    installed = Number(await client.hget(keys.installation, 'partitions'));
  }
  if (partitions !== undefined && installed !== partitions)
    throw new PartitionCountMismatchError(partitions, installed);
  await Promise.all(
    Array.from({ length: installed }, async (_, partition) => {
      const { epoch } = keys.partition(partition);
      if ((await client.exists(epoch)) === 0) await client.setnx(epoch, newEpoch());
    }),
  );
  return { partitions: installed };
}

export const DEFAULT_PARTITIONS = 8;

/** A fresh name for a partition's history. */
export function newEpoch(): string {
  return randomBytes(6).toString('base64url');
}
