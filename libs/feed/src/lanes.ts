import type { RedisClient } from '@rejoin/redis';
import { Cluster } from 'ioredis';

/**
 * Which partitions one blocking read may wait for together: all of them on one server, each alone in a cluster, where
 * a command reaches one slot only.
 */
export function lanesOf(client: RedisClient, partitions: readonly number[]): number[][] {
  return client instanceof Cluster ? partitions.map((partition) => [partition]) : [[...partitions]];
}
