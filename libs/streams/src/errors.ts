/** Another worker owns the partition now, or nobody does: whatever was under way for it must be given up. */
export class FencedError extends Error {
  readonly code = 'FENCED';
  override readonly name = 'FencedError';
  readonly partition: number;

  constructor(partition: number, options?: ErrorOptions) {
    super(`the lease of partition ${partition} is not held with this token`, options);
    this.partition = partition;
  }
}

/**
 * A batch does not begin where the last one ended, so handling it would pass over an entry, or repeat one. Nothing was
 * written; the owner starts again from what is handled.
 */
export class StaleBatchError extends Error {
  readonly code = 'STALE_BATCH';
  override readonly name = 'StaleBatchError';
  readonly partition: number;

  constructor(partition: number, options?: ErrorOptions) {
    super(`the batch does not follow what was handled last in partition ${partition}`, options);
    this.partition = partition;
  }
}

/** The partition is paused: nothing was fanned out. See `pausePartition`. */
export class PausedError extends Error {
  readonly code = 'PAUSED';
  override readonly name = 'PausedError';
  readonly partition: number;

  constructor(partition: number, options?: ErrorOptions) {
    super(`partition ${partition} is paused`, options);
    this.partition = partition;
  }
}
