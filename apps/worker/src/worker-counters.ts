/** What a worker did since it started. */
export interface WorkerCounters {
  /** Entries read from event streams, those that were read before included. */
  taken: number;
  /** Entries read again after a failure, or that a former owner had in hand for a while. */
  redelivered: number;
  delivered: number;
  /** Entries dropped because their `source` + `id` was seen before. */
  duplicates: number;
  dead: number;
  /** Dead letters by their reason code. */
  readonly deadByCode: Map<string, number>;
  /** Put aside for another attempt. */
  parked: number;
  /** Parked events whose time had come and that were appended again. */
  released: number;
  /** Fan-out scripts that ran. */
  batches: number;
  /** Batches refused because they did not follow what was handled last. */
  staleBatches: number;
  /** Failures after which a partition started again from what is handled. */
  failures: number;
  /** Times that a partition's work ended because its lease was lost. */
  fenced: number;
  /** Times that Redis was found to have lost data. */
  historyBreaks: number;
}

export function newWorkerCounters(): WorkerCounters {
  return {
    taken: 0,
    redelivered: 0,
    delivered: 0,
    duplicates: 0,
    dead: 0,
    deadByCode: new Map(),
    parked: 0,
    released: 0,
    batches: 0,
    staleBatches: 0,
    failures: 0,
    fenced: 0,
    historyBreaks: 0,
  };
}

/** What a worker tells as it happens, for metrics and traces. Every method is called in a turn that must stay short. */
export interface WorkerListener {
  /** A fan-out script ran. */
  onFannedOut?(batch: {
    readonly partition: number;
    readonly entries: number;
    readonly startedAtMs: number;
    /** Of those entries whose events are traced. */
    readonly traces: readonly { readonly traceparent: string; readonly entryId: string }[];
  }): void;
}
