export interface PartitionShare {
  /** How many partitions a worker shall own. */
  readonly count: number;
  /** The partition at which it begins to look for free ones, so that workers which start together rarely want the same. */
  readonly first: number;
}

/**
 * Divides the partitions so that all are owned and no worker owns two more than another. All workers that see the same
 * list come to counts that add up to `partitions`.
 * @param workers ids of the living workers, in any order
 * @returns a count of 0 where `workerId` is not among them
 */
export function partitionShare(partitions: number, workers: readonly string[], workerId: string): PartitionShare {
  const ids = [...new Set(workers)].sort();
  const rank = ids.indexOf(workerId);
  if (rank < 0) return { count: 0, first: 0 };
  const least = Math.floor(partitions / ids.length);
  const withOneMore = partitions % ids.length;
  return { count: least + (rank < withOneMore ? 1 : 0), first: rank * least + Math.min(rank, withOneMore) };
}
