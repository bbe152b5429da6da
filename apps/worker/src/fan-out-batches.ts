import { type FanOutItem, MAX_ROOM_WRITES } from '@rejoin/feed';

export interface BatchBounds {
  readonly maxItems: number;
  /** Sum of the items' rooms. A single item with more is a batch of its own. */
  readonly maxRooms: number;
  /** Sum of the items' texts, in UTF-16 code units. A single larger item is a batch of its own. */
  readonly maxLength: number;
}

const DEFAULT_BOUNDS: BatchBounds = { maxItems: 128, maxRooms: MAX_ROOM_WRITES, maxLength: 4 * 1024 ** 2 };

/** Cuts items, in their order, into batches that one script can handle in a short time. */
export function splitIntoBatches(
  items: readonly FanOutItem[],
  { maxItems, maxRooms, maxLength }: BatchBounds = DEFAULT_BOUNDS,
): FanOutItem[][] {
  const batches: FanOutItem[][] = [];
  let batch: FanOutItem[] = [];
  let rooms = 0;
  let length = 0;
  for (const item of items) {
    const itemRooms = item.kind === 'deliver' ? item.rooms.length : 0;
    const itemLength = lengthOf(item);
    const isFull = batch.length >= maxItems || rooms + itemRooms > maxRooms || length + itemLength > maxLength;
    if (batch.length > 0 && isFull) {
      batches.push(batch);
      batch = [];
      rooms = 0;
      length = 0;
    }
    batch.push(item);
    rooms += itemRooms;
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
