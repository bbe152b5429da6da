import type { EntryId } from '@rejoin/protocol';

/** Where an accepted event is. */
export interface Published {
  /** The entry that holds the event; entry IDs of one partition are its total order. */
  readonly id: EntryId;
  /** The event's own `id`, for events that were given one. */
  readonly eventId: string;
  /** The position behind the event, as clients hold it. */
  readonly cursor: string;
  readonly partition: number;
  /**
   * Whether an event with the same tenant, `source` and `id` was accepted in the last ten minutes; then all the above is
   * that one's. It is also true where a first attempt of this very call was appended and only its reply lost.
   */
  readonly duplicate: boolean;
}
