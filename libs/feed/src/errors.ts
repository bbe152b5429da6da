/**
 * The feed ends beyond an entry that was not fanned out, so that entry can never take its place. Only a writer other
 * than the fan-out, or a clock that was far ahead, brings a feed there.
 */
export class FeedAheadError extends Error {
  readonly code = 'FEED_AHEAD';
  override readonly name = 'FeedAheadError';
  readonly partition: number;

  constructor(partition: number, options?: ErrorOptions) {
    super(`the feed of partition ${partition} is ahead of its event stream`, options);
    this.partition = partition;
  }
}
