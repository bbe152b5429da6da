import { type FanOutItem, MAX_ROOM_WRITES } from '@rejoin/feed';

export interface BatchBounds {
  readonly maxItems: number;
  /** Sum of the items' rooms, and one more for each item in the feed. A single item with more is a batch of its own. */
  readonly maxWrites: number;
  /** Sum of the items' texts, in UTF-16 code units. A single larger item is a batch of its own. */
  readonly maxLength: number;
}

const DEFAULT_BOUNDS: BatchBounds = { maxItems: 128, maxWrites: MAX_ROOM_WRITES, maxLength: 4 * 1024 ** 2 };

/** Cuts items, in their order, into batches that one script can handle in a short time. */
export function splitIntoBatches(
  items: readonly FanOutItem[],
  { maxItems, maxWrites, maxLength }: BatchBounds = DEFAULT_BOUNDS,
): FanOutItem[][] {
  const batches: FanOutItem[][] = [];
  let batch: FanOutItem[] = [];
  let writes = 0;
  let length = 0;
  for (const item of items) {
    const itemWrites = item.kind === 'deliver' ? item.rooms.length + 1 : 1;
    const itemLength = lengthOf(item);
    const isFull = batch.length >= maxItems || writes + itemWrites > maxWrites || length + itemLength > maxLength;
    if (batch.length > 0 && isFull) {
      batches.push(batch);
      batch = [];
      writes = 0;
      length = 0;
    }
    batch.push(item);
    writes += itemWrites;
    length += itemLength;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

function lengthOf(item: FanOutItem): number {
  if (item.kind !== 'deliver') return item.record.length;
  // Each room is sent as the end of a key and, once more, in the feed entry's list.
  return item.rooms.reduce((sum, room) => sum + 2 * room.length, item.event.length);
}
