export { METRICS, type MetricDefinition, type MetricName, type MetricSource } from './catalogue.ts';
export type { GatewayFacts, GatewayListener, ResumeOutcome } from './gateway-metrics.ts';
export type { PartitionFacts } from './partition-metrics.ts';
export { ProcessMetrics } from './process-metrics.ts';
export type { PublisherListener } from './publisher-metrics.ts';
export type { Append, FanOutRun, Traced, TracedDelivery } from './span-source.ts';
export { Telemetry } from './telemetry.ts';
export type { WorkerFacts, WorkerListener } from './worker-metrics.ts';
