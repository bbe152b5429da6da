import type { Tracing, TracingOptions } from './span-source.ts';

/** Loads OpenTelemetry, which costs a process that exports nothing neither time nor memory. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { exportSpans } = await import('./open-telemetry.ts');
  return exportSpans(options);
}
