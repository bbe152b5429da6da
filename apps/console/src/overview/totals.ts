import type { PartitionView } from '@rejoin/operations';

export interface Totals {
  /** Of the partitions whose lag is known; `null` where none is. */
  readonly lag: number | null;
  /** False: at least `lag` waits. */
  readonly lagExact: boolean;
  readonly unknownLags: number;
  readonly pending: number;
  readonly deadLetters: number;
  readonly inPerSecond: number | null;
  readonly outPerSecond: number | null;
  readonly oldestUndeliveredAgeMs: number | null;
  readonly oldestUnackedAgeMs: number | null;
}

/** All partitions in one line. What is not known of one makes no 0 of the whole: it makes the whole inexact. */
export function sumUp(partitions: readonly PartitionView[]): Totals {
  const lags = partitions.map(({ lag }) => lag).filter((lag) => lag !== null);
  return {
    lag: lags.length === 0 ? null : lags.reduce((sum, { value }) => sum + value, 0),
    lagExact: lags.length === partitions.length && lags.every(({ exact }) => exact),
    unknownLags: partitions.length - lags.length,
    pending: partitions.reduce((sum, { pending }) => sum + pending, 0),
    deadLetters: partitions.reduce((sum, { deadLetters }) => sum + deadLetters, 0),
    inPerSecond: sumKnown(partitions.map(({ inPerSecond }) => inPerSecond)),
    outPerSecond: sumKnown(partitions.map(({ outPerSecond }) => outPerSecond)),
    oldestUndeliveredAgeMs: greatest(partitions.map((item) => item.oldestUndeliveredAgeMs)),
    oldestUnackedAgeMs: greatest(partitions.map((item) => item.oldestUnackedAgeMs)),
  };
}

function sumKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

function greatest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
