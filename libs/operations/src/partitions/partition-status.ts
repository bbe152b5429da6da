import * as v from 'valibot';

/**
 * How a partition does, by Burrow's rules over a window of samples, worst last in {@link PARTITION_STATUSES}.
 * - `OK`: nothing waits, or something waits and it falls.
 * - `UNKNOWN`: too little is known to say.
 * - `WARN`: events are handled, but what waits never falls.
 * - `REWIND`: the position went back, so Redis lost data or somebody moved the group.
 * - `STALL`: somebody owns the partition, something waits, and the position does not move.
 * - `STOP`: something waits, and nobody works on it: no owner, or the partition is paused.
 * @see https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules
 */
export const PARTITION_STATUSES = ['OK', 'UNKNOWN', 'WARN', 'REWIND', 'STALL', 'STOP'] as const;

export type PartitionStatus = (typeof PARTITION_STATUSES)[number];

export const partitionStatus = v.picklist(PARTITION_STATUSES);

/** The worst of several. */
export function worstStatus(statuses: Iterable<PartitionStatus>): PartitionStatus {
  let worst = 0;
  for (const status of statuses) worst = Math.max(worst, PARTITION_STATUSES.indexOf(status));
  return PARTITION_STATUSES[worst] as PartitionStatus;
}
