import { ENTRY_ID_ZERO, type EntryId } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';

/**
 * What happened to memberships: the members named were added to a group or removed from it; or something did that cannot be
 * told any more, so that everything must be looked up again.
 */
export type GroupChangeNotice =
  | {
      readonly kind: 'members';
      readonly partition: number;
      readonly tenantId: string;
      readonly group: string;
      readonly userIds: readonly string[];
    }
  | { readonly kind: 'unknown'; readonly partition: number };

/** Changes of one partition that one read brings at most; where there are more it reads on. */
const READ_COUNT = 200;

type StreamReply = [key: string, entries: [id: EntryId, fields: string[]][]][] | null;

/**
 * Follows the changes of membership of some partitions. Nothing is missed in silence: each change names the one before it, and
 * where that is not the last one seen here (it was trimmed, or Redis lost some) the partition's changes are unknown. So are
 * those before the first look.
 */
export class GroupChanges {
  readonly #client: RedisClient;
  readonly #keyOf: ReadonlyMap<number, string>;
  readonly #partitionOf: ReadonlyMap<string, number>;
  readonly #positions = new Map<number, EntryId>();
  /** What was read and not returned, because a read that followed failed. */
  #unreturned: GroupChangeNotice[] = [];

  constructor(client: RedisClient, keys: Keyspace, partitions: readonly number[]) {
    this.#client = client;
    this.#keyOf = new Map(partitions.map((partition) => [partition, keys.partition(partition).groupChanges]));
    this.#partitionOf = new Map([...this.#keyOf].map(([partition, key]) => [key, partition]));
  }

  /** What happened since the last call that succeeded, in order. One call at a time. */
  async read(): Promise<readonly GroupChangeNotice[]> {
    const fresh = [...this.#keyOf.keys()].filter((partition) => !this.#positions.has(partition));
    await Promise.all(fresh.map((partition) => this.#begin(partition)));
    let behind = [...this.#keyOf.keys()];
    while (behind.length > 0) {
      const full: number[] = [];
      for (const [key, entries] of await this.#readAfter(behind)) {
        const partition = this.#partitionOf.get(key) as number;
        for (const [entryId, fields] of entries) this.#unreturned.push(this.#advance(partition, entryId, fields));
        if (entries.length >= READ_COUNT) full.push(partition);
      }
      behind = full;
    }
    const notices = this.#unreturned;
    this.#unreturned = [];
    return notices;
  }

  async #begin(partition: number): Promise<void> {
    const [last] = await this.#client.xrevrange(this.#keyOf.get(partition) as string, '+', '-', 'COUNT', 1);
    this.#positions.set(partition, last?.[0] ?? ENTRY_ID_ZERO);
    this.#unreturned.push({ kind: 'unknown', partition });
  }

  /** One command where one server has them all; in a cluster a command reaches one slot only. */
  async #readAfter(partitions: readonly number[]): Promise<NonNullable<StreamReply>> {
    const sets = this.#client.isCluster ? partitions.map((partition) => [partition]) : [partitions];
    const replies = await Promise.all(
      sets.map((set) => {
        const keys = set.map((partition) => this.#keyOf.get(partition) as string);
        const ids = set.map((partition) => this.#positions.get(partition) as EntryId);
        return this.#client.xread('COUNT', READ_COUNT, 'STREAMS', ...keys, ...ids) as Promise<StreamReply>;
      }),
    );
    return replies.flatMap((reply) => reply ?? []);
  }

  #advance(partition: number, entryId: EntryId, flat: readonly string[]): GroupChangeNotice {
    const before = this.#positions.get(partition);
    this.#positions.set(partition, entryId);
    const fields = new Map<string, string>();
    for (let i = 0; i < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
    const [tenantId, group, users] = [fields.get('tenant'), fields.get('group'), fields.get('users')];
    if (fields.get('prev') !== before || tenantId === undefined || group === undefined || users === undefined) {
      return { kind: 'unknown', partition };
    }
    return { kind: 'members', partition, tenantId, group, userIds: JSON.parse(users) as string[] };
  }
}
