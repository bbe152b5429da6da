import type { PartitionSample } from './partition-sample.ts';
import type { Lag } from './partition-view.ts';

export interface KnownLag {
  readonly lag: Lag | null;
  /** Why it is not known, or not exact. */
  readonly reason: string | null;
}

/** Entries that are not handled yet, waiting and pending ones. */
export function backlogOf({ length, handled }: Pick<PartitionSample, 'length' | 'handled'>): number {
  return Math.max(0, length - handled);
}

/**
 * How many entries wait, from three witnesses: whether there is one behind the group's position, what this project counts,
 * and what Redis says. Redis' figure is `null` after a deletion or an arbitrary start, and wrong in some versions up to
 * 7.4.1; so it makes a figure exact only where it agrees, and nothing is 0 while there is an entry that waits.
 */
export function lagOf(sample: PartitionSample): KnownLag {
  const { group, length } = sample;
  const backlog = backlogOf(sample);
  if (group === null) {
    if (length === 0) return { lag: { value: 0, exact: true }, reason: null };
    const reason = 'the consumer group does not exist: no worker has owned the partition yet, or somebody removed it';
    return backlog === 0 ? { lag: null, reason } : { lag: { value: backlog, exact: false }, reason };
  }
  if (group.oldestWaiting === null) return { lag: { value: 0, exact: true }, reason: null };
  const counted = backlog - group.pending;
  if (group.lag !== null && group.lag === counted && counted > 0) {
    return { lag: { value: counted, exact: true }, reason: null };
  }
  const witnesses = [counted, group.lag ?? counted].filter((figure) => figure > 0);
  const reason =
    group.lag === null
      ? 'Redis does not know its lag (an entry was deleted, or the group began at an arbitrary position)'
      : `Redis says ${group.lag}, and ${counted} are counted`;
  return { lag: { value: Math.max(1, Math.min(...witnesses, length)), exact: false }, reason };
}
