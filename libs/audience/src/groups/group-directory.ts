import { type EntryId, isAttributeText, MAX_LENGTH, parseAudienceToken, partitionOf, roomOf } from '@rejoin/protocol';
import { type Keyspace, loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { GroupLimitError, InvalidGroupError } from '../errors.ts';
import { type GroupMembers, MAX_EXPANDED_MEMBERS, type MembershipDirectory } from './membership-directory.ts';

/** What became of a change of membership. */
export interface GroupChange {
  /** Users who are in the group now and were not before. */
  readonly added: number;
  /** Users who were in the group before and are not now. */
  readonly removed: number;
  /** Members afterwards. */
  readonly size: number;
}

/** A page of a list; `next` begins the next one, and is `null` where nothing is left. */
export interface GroupPage {
  readonly items: readonly string[];
  readonly next: string | null;
}

export interface GroupPageRequest {
  /** `next` of the page before; the beginning where absent. */
  readonly after?: string;
  readonly limit: number;
}

/** Groups that one user may be in: a connection is in the rooms of all of them. */
export const MAX_GROUPS_OF_USER = 256;
/** Members that a group may have. */
export const MAX_GROUP_MEMBERS = 1_000_000;

/** Users that one script handles: it makes five small writes for each at most, and Redis does nothing else meanwhile. */
const CHUNK = 200;
/** Changes that are kept for those who follow them; whoever is further behind looks everything up again. */
const MAX_CHANGES = 1_000;

const addScript = loadScript('members-add', import.meta.url);
const removeScript = loadScript('members-remove', import.meta.url);
const membersScript = loadScript('group-members', import.meta.url);

/**
 * Who is in which group, kept in Redis beside everything else of the tenant. A change is in force for every event that is
 * fanned out a second later, and for every connection within a second.
 *
 * Users may be named by anybody who may call this; that a user of a token is in a group gives it what is sent to the group.
 */
export class GroupDirectory implements MembershipDirectory {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;

  constructor(client: RedisClient, keys: Keyspace, partitions: number) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
  }

  /**
   * Adds users; who is in the group already is passed over. Several hundred users are added in steps, so where it fails some of
   * them may have been added; repeating the call is harmless.
   * @throws InvalidGroupError nothing was changed
   * @throws GroupLimitError a user is in 256 groups, or the group would have more than a million members
   */
  async add(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange> {
    const target = this.#target(tenantId, group, userIds);
    let added = 0;
    for (const users of chunksOf(userIds)) added += await this.#add(target, users);
    return { added, removed: 0, size: await this.#size(target) };
  }

  /**
   * Removes users; who is not in the group is passed over. Also works while Redis' memory is full. In steps, as `add`.
   * @throws InvalidGroupError nothing was changed
   */
  async remove(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange> {
    const target = this.#target(tenantId, group, userIds);
    let removed = 0;
    for (const users of chunksOf(userIds)) removed += await this.#remove(target, users);
    return { added: 0, removed, size: await this.#size(target) };
  }

  /**
   * Makes these users the group's only members: removes the others first, then adds who is missing. None at all dissolves the
   * group. In steps, as `add`; two calls for one group at the same time may leave members of both.
   * @throws InvalidGroupError nothing was changed
   * @throws GroupLimitError
   */
  async set(tenantId: string, group: string, userIds: readonly string[]): Promise<GroupChange> {
    const target = this.#target(tenantId, group, userIds);
    const wanted = new Set(userIds);
    const surplus: string[] = [];
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const page: GroupPage = await this.listMembers(tenantId, group, { after: cursor, limit: 1_000 });
      surplus.push(...page.items.filter((userId) => !wanted.has(userId)));
      cursor = page.next;
    }
    let removed = 0;
    for (const users of chunksOf(surplus)) removed += await this.#remove(target, users);
    let added = 0;
    for (const users of chunksOf([...wanted])) added += await this.#add(target, users);
    return { added, removed, size: await this.#size(target) };
  }

  async members(tenantId: string, group: string): Promise<GroupMembers> {
    const { keys, room } = this.#target(tenantId, group);
    const reply = await membersScript.run(this.#client, [keys.members(room)], [MAX_EXPANDED_MEMBERS]);
    const [size, ...userIds] = reply as [number, ...string[]];
    if (userIds.length < size) return { size, rooms: null };
    return { size, rooms: userIds.map((id) => roomOf(tenantId, { kind: 'user', id })) };
  }

  /** The groups of a user, each with the position in the feed from which on its events are the user's to see. */
  async groupsOf(tenantId: string, userId: string): Promise<ReadonlyMap<string, EntryId>> {
    const keys = this.#partition(tenantId);
    const groups = await this.#client.hgetall(keys.groupsOf(roomOf(tenantId, { kind: 'user', id: userId })));
    return new Map(Object.entries(groups));
  }

  /** The groups of a tenant that have members, in the order of their names' bytes. */
  async listGroups(tenantId: string, { after, limit }: GroupPageRequest): Promise<GroupPage> {
    const key = this.#partition(tenantId).groupNames(tenantId);
    const begin = after === undefined ? '-' : `(${after}`;
    const items = await this.#client.zrange(key, begin, '+', 'BYLEX', 'LIMIT', 0, limit);
    return { items, next: items.length < limit ? null : (items.at(-1) as string) };
  }

  /** The members of a group, in no order. A page may hold some more than `limit`, and one that stands on two pages. */
  async listMembers(tenantId: string, group: string, { after = '0', limit }: GroupPageRequest): Promise<GroupPage> {
    const { keys, room } = this.#target(tenantId, group);
    const [next, items] = await this.#client.sscan(keys.members(room), after, 'COUNT', limit);
    return { items, next: next === '0' ? null : next };
  }

  async #add(target: Target, users: readonly string[]): Promise<number> {
    const { keys, room, tenantId, group } = target;
    const { feed, groupChanges } = keys;
    const scriptKeys = [feed, groupChanges, keys.members(room), keys.groupNames(tenantId), ...userKeys(target, users)];
    const args = [tenantId, group, MAX_GROUPS_OF_USER, MAX_GROUP_MEMBERS, MAX_CHANGES, ...users];
    try {
      const [added] = (await addScript.run(this.#client, scriptKeys, args)) as [number, number];
      return added;
    } catch (error) {
      throw limitError(error, group, users);
    }
  }

  async #remove(target: Target, users: readonly string[]): Promise<number> {
    const { keys, room, tenantId, group } = target;
    const scriptKeys = [keys.groupChanges, keys.members(room), keys.groupNames(tenantId), ...userKeys(target, users)];
    const reply = await removeScript.run(this.#client, scriptKeys, [tenantId, group, MAX_CHANGES, ...users]);
    return (reply as [number, number])[0];
  }

  #size({ keys, room }: Target): Promise<number> {
    return this.#client.scard(keys.members(room));
  }

  #partition(tenantId: string): PartitionKeys {
    if (!isAttributeText(tenantId) || tenantId === '' || tenantId.length > MAX_LENGTH.tenantid) {
      throw new InvalidGroupError(`${JSON.stringify(tenantId)} is no tenant`);
    }
    return this.#keys.partition(partitionOf(tenantId, this.#partitions));
  }

  #target(tenantId: string, group: string, userIds: readonly string[] = []): Target {
    const keys = this.#partition(tenantId);
    requireName('group', group);
    for (const userId of userIds) requireName('user', userId);
    return { keys, tenantId, group, room: roomOf(tenantId, { kind: 'group', id: group }) };
  }
}

/** A group, where it is kept. */
interface Target {
  readonly keys: PartitionKeys;
  readonly tenantId: string;
  readonly group: string;
  readonly room: string;
}

function userKeys({ keys, tenantId }: Target, users: readonly string[]): string[] {
  return users.map((id) => keys.groupsOf(roomOf(tenantId, { kind: 'user', id })));
}

/**
 * What an audience could not name must not be in the directory. An event's `audience` has commas between its tokens, so no group has
 * one in its name; a user may, whose id is the identity provider's, and whom rules and resolvers can name.
 */
function requireName(kind: 'group' | 'user', name: string): void {
  const token = typeof name === 'string' ? parseAudienceToken(`${kind}:${name}`) : null;
  if (token?.kind !== kind || token.id !== name || (kind === 'group' && name.includes(','))) {
    throw new InvalidGroupError(`${JSON.stringify(name)?.slice(0, 300)} is not the name of a ${kind}`);
  }
}

function chunksOf(users: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(users.length / CHUNK) }, (_, i) => users.slice(i * CHUNK, (i + 1) * CHUNK));
}

function limitError(error: unknown, group: string, users: readonly string[]): unknown {
  const { message } = error as Error;
  if (message.startsWith('GROUP_FULL')) {
    return new GroupLimitError(`group ${group} may have at most ${MAX_GROUP_MEMBERS} members`, { cause: error });
  }
  const position = /^USER_GROUPS (\d+)/.exec(message)?.[1];
  if (position === undefined) return error;
  const user = users[Number(position)];
  return new GroupLimitError(`user ${user} is in ${MAX_GROUPS_OF_USER} groups, and may not be in more`, {
    cause: error,
  });
}
