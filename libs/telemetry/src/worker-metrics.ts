import type { ProcessMetrics } from './process-metrics.ts';
import type { FanOutRun } from './span-source.ts';

/** What a worker counted since it started, and what it owns now. */
export interface WorkerFacts {
  readonly workerId: string;
  readonly owned: readonly number[];
  readonly counters: {
    readonly delivered: number;
    readonly duplicates: number;
    readonly dead: number;
    readonly parked: number;
    readonly redelivered: number;
    readonly failures: number;
    readonly staleBatches: number;
    readonly fenced: number;
    readonly historyBreaks: number;
    /** Dead letters by their reason code. */
    readonly deadByCode: ReadonlyMap<string, number>;
  };
}

/** What a worker tells as it happens. */
export interface WorkerListener {
  /** A fan-out script ran. */
  onFannedOut(run: FanOutRun): void;
}

/** @param facts read at every scrape; `undefined` until the worker takes part */
export function workerMetrics(metrics: ProcessMetrics, facts: () => WorkerFacts | undefined): WorkerListener {
  const counted =
    (read: (counters: WorkerFacts['counters']) => Iterable<readonly [Record<string, string>, number]>) => () => {
      const now = facts();
      return now ? read(now.counters) : [];
    };
  metrics.readCounter(
    'rejoin_worker_entries_total',
    counted(({ delivered, duplicates, dead, parked }) => [
      [{ result: 'delivered' }, delivered],
      [{ result: 'duplicate' }, duplicates],
      [{ result: 'dead' }, dead],
      [{ result: 'parked' }, parked],
    ]),
  );
  metrics.readCounter(
    'rejoin_redeliveries_total',
    counted(({ redelivered }) => [[{}, redelivered]]),
  );
  metrics.readCounter(
    'rejoin_dead_letters_total',
    counted(({ deadByCode }) => [...deadByCode].map(([reason, count]) => [{ reason }, count])),
  );
  metrics.readCounter(
    'rejoin_worker_failures_total',
    counted(({ failures, staleBatches, fenced, historyBreaks }) => [
      [{ kind: 'failure' }, failures],
      [{ kind: 'stale_batch' }, staleBatches],
      [{ kind: 'fenced' }, fenced],
      [{ kind: 'history_break' }, historyBreaks],
    ]),
  );
  metrics.readGauge('rejoin_partition_owner_info', () => {
    const now = facts();
    return now?.owned.map((partition) => [{ partition, worker: now.workerId }, 1] as const) ?? [];
  });
  const batchSize = metrics.histogram('rejoin_fanout_batch_size');
  return { onFannedOut: ({ entries }) => batchSize(entries) };
}
