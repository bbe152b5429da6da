import { ENTRY_ID_ZERO, type EntryId, laterEntryId } from '@rejoin/protocol';
import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';

/** A feed entry as a replay reads it. */
export interface ReplayEntry {
  readonly entryId: EntryId;
  readonly type: string;
  /** JSON text of the event as clients receive it. */
  readonly event: string;
}

export interface ReplayPage {
  /** Ascending by entry ID, each once. */
  readonly entries: readonly ReplayEntry[];
  /** Everything up to this ID has been returned. */
  readonly upTo: EntryId;
  readonly feedLast: EntryId;
  /** Nothing was left at the moment of reading. */
  readonly complete: boolean;
  /** Entries that the indexes name and the feed has lost. */
  readonly missing: number;
  /** Highest entry after the position that the size bound cut from one of the rooms, also since the replay began. */
  readonly cut: EntryId | null;
}

/** A room to replay, and the position after which it is the client's to see. */
export interface ReplayRoom {
  readonly room: string;
  /** For a watched room, the position of the watch; `0-0` for a room of the token. */
  readonly since: EntryId;
}

export interface ReplayBounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

const script = loadScript('replay-page', import.meta.url);

/** Reads the next page after `after`, from the master. See `replay-page.lua`. */
export async function readReplayPage(
  client: RedisClient,
  keys: PartitionKeys,
  rooms: readonly ReplayRoom[],
  after: EntryId,
  bounds: ReplayBounds,
): Promise<ReplayPage> {
  const reply = await script.run(
    client,
    [keys.feed, ...rooms.map(({ room }) => keys.room(room))],
    [bounds.maxEntries, bounds.maxBytes, ...rooms.map(({ since }) => laterEntryId(since, after))],
  );
  const [feedLast, upTo, complete, missing, cut, flat] = reply as [EntryId, EntryId, number, number, EntryId, string[]];
  const entries: ReplayEntry[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    entries.push({ entryId: flat[i] as string, type: flat[i + 1] as string, event: flat[i + 2] as string });
  }
  return {
    entries,
    upTo: laterEntryId(upTo ?? ENTRY_ID_ZERO, after),
    feedLast,
    complete: complete === 1,
    missing,
    cut: cut || null,
  };
}
