import { type AudienceToken, type EntryId, partitionOf, roomOf } from '@rejoin/protocol';
import { type Keyspace, loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import type { ReplayEntry } from './replay.ts';

export interface RoomPage {
  /** Newest first. */
  readonly entries: readonly ReplayEntry[];
  /** Where the next page begins, or `null` where nothing is left. */
  readonly next: EntryId | null;
}

export interface RoomPageRequest {
  /** Only entries before it; the newest where absent. */
  readonly before?: EntryId;
  readonly limit: number;
  /** Only types that begin so. */
  readonly typePrefix: string;
}

/** Most entries of a room that one page looks at. */
const SCAN_BUDGET = 500;
/** How many entries of the one room are looked for in the other. */
const MEET_DEPTH = 200;

const meetScript = loadScript('rooms-meet', import.meta.url);
const pageScript = loadScript('room-page', import.meta.url);

/** What rooms have seen, as far as the replay window and their indexes' bounds reach. */
export class RoomHistory {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;

  constructor(client: RedisClient, keys: Keyspace, partitions: number) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
  }

  /** The keys of a tenant's partition. */
  keysOf(tenantId: string): PartitionKeys {
    return this.#keys.partition(partitionOf(tenantId, this.#partitions));
  }

  /** Whether an event went to both of two tokens of a tenant; looks at the newest 200 of the first. */
  async meet(tenantId: string, one: AudienceToken, other: AudienceToken): Promise<boolean> {
    const keys = this.keysOf(tenantId);
    const rooms = [one, other].map((token) => keys.room(roomOf(tenantId, token)));
    return (await meetScript.run(this.#client, rooms, [MEET_DEPTH])) === 1;
  }

  /** A page of what a token saw; one page looks at most at 500 entries, so it may be short and yet have a next one. */
  async page(
    tenantId: string,
    token: AudienceToken,
    { before, limit, typePrefix }: RoomPageRequest,
  ): Promise<RoomPage> {
    const keys = this.keysOf(tenantId);
    const reply = await pageScript.run(
      this.#client,
      [keys.feed, keys.room(roomOf(tenantId, token))],
      [before ?? '', limit, typePrefix, SCAN_BUDGET],
    );
    const [next, flat] = reply as [string, string[]];
    const entries: ReplayEntry[] = [];
    for (let i = 0; i < flat.length; i += 3) {
      entries.push({ entryId: flat[i] as string, type: flat[i + 1] as string, event: flat[i + 2] as string });
    }
    return { entries, next: next || null };
  }
}
