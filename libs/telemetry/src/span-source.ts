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
