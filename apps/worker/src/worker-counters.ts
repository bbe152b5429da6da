/** What a worker did since it started. */
export interface WorkerCounters {
  /** Entries read from event streams, those of the pending entries list included. */
  taken: number;
  delivered: number;
  /** Entries dropped because their `source` + `id` was seen before. */
  duplicates: number;
  dead: number;
  /** Fan-out scripts that ran. */
  batches: number;
  /** Batches refused because they were not what was pending. */
  staleBatches: number;
  /** Failures after which a partition started again from its pending entries list. */
  failures: number;
  /** Times that a partition's work ended because its lease was lost. */
  fenced: number;
  /** Times that Redis was found to have lost data. */
  historyBreaks: number;
}

export function newWorkerCounters(): WorkerCounters {
  return {
    taken: 0,
    delivered: 0,
    duplicates: 0,
    dead: 0,
    batches: 0,
    staleBatches: 0,
    failures: 0,
    fenced: 0,
    historyBreaks: 0,
  };
}
