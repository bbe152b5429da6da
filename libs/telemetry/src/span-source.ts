/** An event whose trace is recorded, and the entry that holds it. */
export interface Traced {
  readonly traceparent: string;
  readonly entryId: string;
}

/** What a publisher tells of an append. */
export interface Append {
  readonly partition: number;
  readonly events: number;
  readonly duplicates: number;
  /** From the call until Redis answered, of the event that waited longest. */
  readonly durationMs: number;
  readonly traces: readonly Traced[];
}

/** What a worker tells of a fan-out script. */
export interface FanOutRun {
  readonly partition: number;
  readonly entries: number;
  readonly startedAtMs: number;
  readonly traces: readonly Traced[];
}

/** What a gateway tells of a live entry that it handed to connections. */
export interface TracedDelivery extends Traced {
  readonly partition: number;
  readonly connections: number;
  readonly startedAtMs: number;
}

export interface PublisherTracing {
  onAppended(append: Append): void;
}
export interface WorkerTracing {
  onFannedOut(run: FanOutRun): void;
}
export interface GatewayTracing {
  onTraced(delivery: TracedDelivery): void;
}

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
