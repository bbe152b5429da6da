import { partitionOf, roomOf } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { GroupChanges } from './group-changes.ts';
import { GroupDirectory } from './group-directory.ts';
import type { GroupMembers, MembershipDirectory } from './membership-directory.ts';

export interface GroupCacheOptions {
  /** How long a change of membership may go unnoticed, in milliseconds; 500 by default. */
  readonly staleMs?: number;
  /** Members of all remembered groups of a partition together; 200,000 by default. */
  readonly maxMembers?: number;
}

/**
 * Remembers the members of groups for a short time, so that most events to a group are resolved without asking Redis. The changes of
 * a partition are looked through before a member is taken from memory where that was not done within `staleMs`: what
 * was changed before an answer by more than that time is in the answer. Costs nothing while no event names a group.
 */
export class GroupCache implements MembershipDirectory {
  readonly #directory: GroupDirectory;
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;
  readonly #staleMs: number;
  readonly #maxMembers: number;
  readonly #memories = new Map<number, PartitionMemory>();

  constructor(client: RedisClient, keys: Keyspace, partitions: number, options: GroupCacheOptions = {}) {
    this.#directory = new GroupDirectory(client, keys, partitions);
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
    this.#staleMs = options.staleMs ?? 500;
    this.#maxMembers = options.maxMembers ?? 200_000;
  }

  members(tenantId: string, group: string): GroupMembers | Promise<GroupMembers> {
    const memory = this.#memoryOf(partitionOf(tenantId, this.#partitions));
    const room = roomOf(tenantId, { kind: 'group', id: group });
    const load = (): Promise<GroupMembers> => this.#directory.members(tenantId, group);
    if (memory.isFresh) return memory.recall(room) ?? memory.load(room, load);
    return memory.refresh().then(() => memory.recall(room) ?? memory.load(room, load));
  }

  #memoryOf(partition: number): PartitionMemory {
    let memory = this.#memories.get(partition);
    if (!memory) {
      const changes = new GroupChanges(this.#client, this.#keys, [partition]);
      memory = new PartitionMemory(changes, this.#staleMs, this.#maxMembers);
      this.#memories.set(partition, memory);
    }
    return memory;
  }
}

/** What is remembered of one partition's groups. */
class PartitionMemory {
  readonly #changes: GroupChanges;
  readonly #staleMs: number;
  readonly #maxMembers: number;
  /** By the group's room; the least recently used first. */
  readonly #groups = new Map<string, GroupMembers>();
  readonly #loading = new Map<string, Promise<GroupMembers>>();
  #members = 0;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | undefined;

  constructor(changes: GroupChanges, staleMs: number, maxMembers: number) {
    this.#changes = changes;
    this.#staleMs = staleMs;
    this.#maxMembers = maxMembers;
  }

  get isFresh(): boolean {
    return performance.now() - this.#checkedAtMs < this.#staleMs;
  }

  recall(room: string): GroupMembers | undefined {
    const found = this.#groups.get(room);
    if (!found) return undefined;
    this.#groups.delete(room);
    this.#groups.set(room, found);
    return found;
  }

  /** Forgets what has changed. */
  refresh(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Asks once for all who want the same group now. */
  load(room: string, ask: () => Promise<GroupMembers>): Promise<GroupMembers> {
    let loading = this.#loading.get(room);
    if (!loading) {
      loading = ask().then((members) => {
        // What was forgotten meanwhile may have changed after it was read.
        if (this.#loading.get(room) === loading) this.#remember(room, members);
        return members;
      });
      this.#loading.set(room, loading);
      const settled = (): void => {
        if (this.#loading.get(room) === loading) this.#loading.delete(room);
      };
      loading.then(settled, settled);
    }
    return loading;
  }

  async #check(): Promise<void> {
    const startedAtMs = performance.now();
    for (const change of await this.#changes.read()) {
      if (change.kind === 'unknown') this.#forgetAll();
      else this.#forget(roomOf(change.tenantId, { kind: 'group', id: change.group }));
    }
    this.#checkedAtMs = startedAtMs;
  }

  #remember(room: string, members: GroupMembers): void {
    this.#forget(room);
    this.#groups.set(room, members);
    this.#members += weightOf(members);
    for (const oldest of this.#groups.keys()) {
      if (this.#members <= this.#maxMembers) break;
      this.#forget(oldest);
    }
  }

  #forget(room: string): void {
    const known = this.#groups.get(room);
    if (known) this.#members -= weightOf(known);
    this.#groups.delete(room);
    this.#loading.delete(room);
  }

  #forgetAll(): void {
    this.#groups.clear();
    this.#loading.clear();
    this.#members = 0;
  }
}

/** A group without members takes room, too. */
function weightOf({ rooms }: GroupMembers): number {
  return 1 + (rooms?.length ?? 0);
}
