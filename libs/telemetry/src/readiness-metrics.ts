import type { ProcessMetrics } from './process-metrics.ts';

/** Says in `rejoin_ready` what `/health/ready` answers. */
export function readinessMetrics(metrics: ProcessMetrics, ready: () => boolean): void {
  metrics.readGauge('rejoin_ready', () => [[{}, ready() ? 1 : 0]]);
}
