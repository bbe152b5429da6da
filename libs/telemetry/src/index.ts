export { METRICS, type MetricDefinition, type MetricName, type MetricSource } from './catalogue.ts';
export { type GatewayFacts, type GatewayListener, gatewayMetrics, type ResumeOutcome } from './gateway-metrics.ts';
export { type PartitionFacts, partitionMetrics } from './partition-metrics.ts';
export { ProcessMetrics } from './process-metrics.ts';
export { type PublisherListener, publisherMetrics } from './publisher-metrics.ts';
export { readinessMetrics } from './readiness-metrics.ts';
export { type WorkerFacts, type WorkerListener, workerMetrics } from './worker-metrics.ts';
