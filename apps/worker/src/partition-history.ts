import { HistoryCheck } from '@rejoin/feed';
import type { EntryId } from '@rejoin/protocol';
import type { PartitionKeys, RedisClient } from '@rejoin/redis';

/**
 * What this process knows of a partition's history, to find out after a reconnection whether Redis lost some of it. It
 * outlives leases: an entry that was once in the feed is there, or the floor is above it, whoever owns the partition.
 */
export class PartitionHistory {
  readonly #check: HistoryCheck;
  #held: EntryId | undefined;
  #epoch: string | undefined;
  #due = true;

  constructor(client: RedisClient, keys: PartitionKeys) {
    this.#check = new HistoryCheck(client, keys);
  }

  /** Whether Redis may be another than it was. */
  get due(): boolean {
    return this.#due;
  }

  /** Records that the connection was lost, or may have been. */
  doubt(): void {
    this.#due = true;
  }

  /** Records an entry that is in the feed. */
  advance(entryId: EntryId): void {
    this.#held = entryId;
  }

  /** Checks what is known against Redis, which renames the partition's epoch where something is gone; says whether it is. */
  async verify(): Promise<{ readonly broken: boolean }> {
    this.#due = false;
    try {
      const { intact, epoch, feedLast } = await this.#check.verify(this.#held, this.#epoch);
      const broken = this.#epoch !== undefined && !intact;
      if (broken || this.#held === undefined) this.#held = feedLast;
      this.#epoch = epoch;
      return { broken };
    } catch (error) {
      this.#due = true;
      throw error;
    }
  }
}
