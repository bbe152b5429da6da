import type { MetricNameOf } from './catalogue.ts';
import type { ProcessMetrics, Reading } from './process-metrics.ts';

/** What is known of one partition; what is `null` is not known, or there is no such thing. */
export interface PartitionFacts {
  readonly partition: number;
  readonly length: number;
  /** Entries that wait; `exact: false` means at least so many. */
  readonly lag: { readonly value: number; readonly exact: boolean } | null;
  /** `null` where nothing waits, and where it is not known. */
  readonly oldestUndeliveredAgeMs: number | null;
  /** `null` where nothing is pending, and where it is not known. */
  readonly oldestUnackedAgeMs: number | null;
  readonly pending: number;
  readonly parked: number;
  readonly deadLetters: number;
  readonly paused: boolean;
  readonly feedBytes: number;
  /** How far back a client may resume now; `null` where it is not known. */
  readonly coveredMs: number | null;
}

/**
 * Shared facts about partitions, told by whoever looks at all of them.
 * @param facts read once for every scrape; one that fails leaves the series out, and the rest of the metrics as they are
 */
export function partitionMetrics(metrics: ProcessMetrics, facts: () => Promise<readonly PartitionFacts[]>): void {
  let known: readonly PartitionFacts[] = [];
  metrics.beforeReading(async () => {
    known = [];
    known = await facts();
  });
  const each = (name: MetricNameOf<'gauge'>, read: (of: PartitionFacts) => number | null): void =>
    metrics.readGauge(name, () =>
      known.flatMap((of): Reading[] => {
        const value = read(of);
        return value === null ? [] : [[{ partition: of.partition }, value]];
      }),
    );
  each('rejoin_stream_entries', ({ length }) => length);
  each('rejoin_group_lag_entries', ({ lag }) => lag?.value ?? null);
  each('rejoin_group_lag_known', ({ lag }) => (lag?.exact ? 1 : 0));
  each('rejoin_group_oldest_undelivered_age_seconds', ({ lag, oldestUndeliveredAgeMs }) =>
    oldestUndeliveredAgeMs === null ? zeroIf(lag?.exact === true && lag.value === 0) : oldestUndeliveredAgeMs / 1_000,
  );
  each('rejoin_group_oldest_unacked_age_seconds', ({ pending, oldestUnackedAgeMs }) =>
    oldestUnackedAgeMs === null ? zeroIf(pending === 0) : oldestUnackedAgeMs / 1_000,
  );
  each('rejoin_group_pending_entries', ({ pending }) => pending);
  each('rejoin_partition_paused', ({ paused }) => (paused ? 1 : 0));
  each('rejoin_parked_entries', ({ parked }) => parked);
  each('rejoin_dead_letter_entries', ({ deadLetters }) => deadLetters);
  each('rejoin_feed_bytes', ({ feedBytes }) => feedBytes);
  each('rejoin_replay_window_seconds', ({ coveredMs }) => (coveredMs === null ? null : coveredMs / 1_000));
}

function zeroIf(isKnownToBeNone: boolean): number | null {
  return isKnownToBeNone ? 0 : null;
}
