import type { GatewayTracing, PublisherTracing, WorkerTracing } from './span-source.ts';

/** Exports spans of what a process does with events whose traces are recorded. */
export interface Tracing extends PublisherTracing, WorkerTracing, GatewayTracing {
  /** Sends what is not sent yet. Idempotent. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  /** Names the service, unless `OTEL_SERVICE_NAME` does. */
  readonly app: string;
  /** First word of every key, by which streams are named. */
  readonly prefix: string;
  /** Told what cannot be exported. */
  onError(error: unknown): void;
}

/** Loads OpenTelemetry, which costs a process that exports nothing neither time nor memory. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { exportSpans } = await import('./open-telemetry.ts');
  return exportSpans(options);
}
