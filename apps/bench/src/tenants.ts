import { partitionOf } from '@rejoin/protocol';

/** One tenant of each partition, by the partition's number. */
export function tenantOfEach(partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => {
    for (let n = 0; ; n++) if (partitionOf(`tenant-${n}`, partitions) === partition) return `tenant-${n}`;
  });
}
