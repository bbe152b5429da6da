import { ENTRY_ID_ZERO, type EntryId } from '@rejoin/protocol';
import { loadScript, newEpoch, type PartitionKeys, type RedisClient } from '@rejoin/redis';

export interface History {
  /** Whether the history that the caller followed is unbroken. */
  readonly intact: boolean;
  /** The partition's epoch now. */
  readonly epoch: string;
  /** Last ID of the feed now. */
  readonly feedLast: EntryId;
}

const script = loadScript('history', import.meta.url);

/**
 * Finds out, after a reconnection to Redis, whether entries were lost (a failover, a restart on an older file), and gives
 * the partition a new epoch where they were. See `history.lua`.
 */
export class HistoryCheck {
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;

  constructor(client: RedisClient, keys: PartitionKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  /**
   * @param held the last entry ID the caller holds, of events or feed; by default none, which only reads the epoch
   * @param epoch the epoch the caller knows; another one in Redis means that its history is broken
   */
  async verify(held: EntryId = ENTRY_ID_ZERO, epoch = ''): Promise<History> {
    const { epoch: epochKey, floor, events, feed } = this.#keys;
    const reply = await script.run(this.#client, [epochKey, floor, events, feed], [held, epoch, newEpoch()]);
    const [current, intact, feedLast] = reply as [string, number, EntryId];
    return { epoch: current, intact: intact === 1, feedLast };
  }
}
