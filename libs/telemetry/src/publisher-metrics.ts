import type { ProcessMetrics } from './process-metrics.ts';
import type { Append } from './span-source.ts';

/** What a publisher tells of its appends. */
export interface PublisherListener {
  onAppended(append: Append): void;
  /** An event was given up. */
  onFailed(): void;
}

/** The listener of one publisher, or of all publishers of the process. */
export function publisherMetrics(metrics: ProcessMetrics): PublisherListener {
  const duration = metrics.histogram('rejoin_publish_duration_seconds');
  const results = metrics.counter('rejoin_publish_events_total');
  return {
    onAppended({ events, duplicates, durationMs }) {
      duration(durationMs / 1_000);
      results({ result: 'appended' }, events - duplicates);
      if (duplicates > 0) results({ result: 'duplicate' }, duplicates);
    },
    onFailed: () => results({ result: 'failed' }),
  };
}
