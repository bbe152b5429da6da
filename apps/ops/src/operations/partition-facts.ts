import type { PartitionFact } from '@rejoin/operations';
import { ENTRY_ID_ZERO, entryIdTimeMs } from '@rejoin/protocol';
import type { PartitionFacts } from '@rejoin/telemetry';
import type { OperationsAccess } from './operations-access.ts';

/**
 * What metrics tell of the partitions.
 * @param windowMs the configured replay window
 * @throws the failure of Redis, and then they tell nothing
 */
export async function partitionFacts(operations: OperationsAccess, windowMs: number): Promise<PartitionFacts[]> {
  const { partitions } = await operations.open();
  return (await partitions.facts()).map((fact) => factsOf(fact, windowMs));
}

function factsOf(
  { sample, lag, oldestUndeliveredAgeMs, oldestUnackedAgeMs }: PartitionFact,
  windowMs: number,
): PartitionFacts {
  const { partition, atMs, length, group, parked, dead, paused, feed, floor } = sample;
  return {
    partition,
    length,
    lag,
    oldestUndeliveredAgeMs,
    oldestUnackedAgeMs,
    pending: group?.pending ?? 0,
    parked,
    deadLetters: dead,
    paused: paused !== null,
    feedBytes: feed.bytes,
    // What was never trimmed is all there.
    coveredMs: floor === ENTRY_ID_ZERO ? windowMs : Math.min(windowMs, Math.max(0, atMs - entryIdTimeMs(floor))),
  };
}
