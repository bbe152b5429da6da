import { type GatewayFacts, type GatewayListener, gatewayMetrics } from './gateway-metrics.ts';
import { type PartitionFacts, partitionMetrics } from './partition-metrics.ts';
import { ProcessMetrics } from './process-metrics.ts';
import { type PublisherListener, publisherMetrics } from './publisher-metrics.ts';
import { readinessMetrics } from './readiness-metrics.ts';
import type { Append, FanOutRun, PublisherTracing, TracedDelivery, Tracing, TracingOptions } from './span-source.ts';
import { type TenantFacts, tenantMetrics } from './tenant-metrics.ts';
import { startTracing } from './tracing.ts';
import { type WorkerFacts, type WorkerListener, workerMetrics } from './worker-metrics.ts';

/** What a process tells of itself: metrics for whoever asks, and spans where there is somewhere to send them. */
export class Telemetry {
  readonly metrics = new ProcessMetrics();
  readonly #tracing: Tracing | null;

  private constructor(tracing: Tracing | null) {
    this.#tracing = tracing;
  }

  /** @param otlpEndpoint where spans go, as `OTEL_EXPORTER_OTLP_ENDPOINT` says; without one there are none */
  static async start({
    otlpEndpoint,
    ...options
  }: TracingOptions & { otlpEndpoint: string | undefined }): Promise<Telemetry> {
    return new Telemetry(otlpEndpoint === undefined ? null : await startTracing(options));
  }

  /** Sends the spans that are not sent yet. */
  async stop(): Promise<void> {
    await this.#tracing?.stop();
  }

  readiness(ready: () => boolean): void {
    readinessMetrics(this.metrics, ready);
  }

  partitions(facts: () => Promise<readonly PartitionFacts[]>): void {
    partitionMetrics(this.metrics, facts);
  }

  tenants(busiest: (count: number) => Promise<readonly TenantFacts[]>): void {
    tenantMetrics(this.metrics, busiest);
  }

  /** For one publisher, or all publishers of the process. */
  publisher(): PublisherListener & PublisherTracing {
    const counted = publisherMetrics(this.metrics);
    return {
      ...counted,
      onAppended: (append: Append) => {
        counted.onAppended(append);
        this.#tracing?.onAppended(append);
      },
    };
  }

  worker(facts: () => WorkerFacts | undefined): WorkerListener {
    const counted = workerMetrics(this.metrics, facts);
    return {
      onFannedOut: (run: FanOutRun) => {
        counted.onFannedOut(run);
        this.#tracing?.onFannedOut(run);
      },
    };
  }

  gateway(facts: () => GatewayFacts | undefined): GatewayListener & { onTraced?(delivery: TracedDelivery): void } {
    const tracing = this.#tracing;
    const counted = gatewayMetrics(this.metrics, facts);
    return tracing ? { ...counted, onTraced: (delivery) => tracing.onTraced(delivery) } : counted;
  }
}
