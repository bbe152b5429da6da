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
 * A batch was not exactly the group's smallest pending entries, so handling it would overtake an earlier entry. Nothing was
 * written; the owner starts again from the pending entries list.
 */
export class StaleBatchError extends Error {
  readonly code = 'STALE_BATCH';
  override readonly name = 'StaleBatchError';
  readonly partition: number;

  constructor(partition: number, options?: ErrorOptions) {
    super(`the batch is not what is pending in partition ${partition}`, options);
    this.partition = partition;
  }
}

/** The partition is paused: nothing new was taken. See `pausePartition`. */
export class PausedError extends Error {
  readonly code = 'PAUSED';
  override readonly name = 'PausedError';
  readonly partition: number;

  constructor(partition: number, options?: ErrorOptions) {
    super(`partition ${partition} is paused`, options);
    this.partition = partition;
  }
}
