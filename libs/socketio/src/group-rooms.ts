import { GroupChanges, GroupDirectory } from '@rejoin/audience';
import { roomOf } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import { inSlices } from './in-slices.ts';
import type { Membership } from './membership.ts';
import type { ConnectionPrincipal } from './principal.ts';
import type { UserGroups } from './user-groups.ts';

export interface GroupRoomsOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  readonly connections: Connections;
  readonly membership: Membership;
}

type User = Pick<ConnectionPrincipal, 'tenantId' | 'userId'>;

/** Users whose groups are looked up at once. */
const LOOKUPS = 100;
/** How long a noticed change is remembered for clients that are being let in, in milliseconds: longer than that may take. */
const NOTICE_LIFE_MS = 60_000;
/** Changed users that are remembered one by one; beyond them everybody counts as changed. */
const MAX_NOTICED = 50_000;

/**
 * Keeps connections in the rooms of their user's groups. The directory is asked when a client connects or resumes; afterwards the
 * changes of membership are followed, and whoever is concerned is looked up again, so that nothing here depends on having
 * understood each change.
 *
 * A connection is in the rooms of all of its user's groups, small ones too, though events to these are mostly written to their members' rooms: so it
 * makes no difference to it when a group grows or shrinks past the size at which its own room is used.
 */
export class GroupRooms {
  readonly #options: GroupRoomsOptions;
  readonly #directory: GroupDirectory;
  readonly #changes: GroupChanges;
  /** When a user's change was noticed, of `performance.now()`; the earliest first. */
  readonly #noticed = new Map<string, number>();
  /** By partition: when everybody's change was. */
  readonly #allNoticed = new Map<number, number>();
  /** Who must be looked up still, and the partitions of which everybody must; what fails is tried again. */
  readonly #dueUsers = new Set<string>();
  readonly #duePartitions = new Set<number>();
  #following: Promise<void> | undefined;

  constructor(options: GroupRoomsOptions) {
    this.#options = options;
    const { client, keys, partitions } = options;
    this.#directory = new GroupDirectory(client, keys, partitions);
    this.#changes = new GroupChanges(
      client,
      keys,
      Array.from({ length: partitions }, (_, partition) => partition),
    );
  }

  /** The rooms of a user's groups now. */
  async of({ tenantId, userId }: User): Promise<UserGroups> {
    const readAtMs = performance.now();
    const groups = await this.#directory.groupsOf(tenantId, userId);
    return {
      rooms: new Map([...groups].map(([id, since]) => [roomOf(tenantId, { kind: 'group', id }), since])),
      readAtMs,
    };
  }

  /** Takes a connection in charge, whose user's groups were read at `readAtMs`. */
  async admit(connection: Connection, readAtMs: number): Promise<void> {
    const { partition, principal } = connection;
    const changedAtMs = Math.max(
      this.#noticed.get(nameOf(principal)) ?? Number.NEGATIVE_INFINITY,
      this.#allNoticed.get(partition) ?? Number.NEGATIVE_INFINITY,
    );
    if (changedAtMs >= readAtMs) await this.#lookUp([connection]);
  }

  /** Brings the connections up to date with what has changed since the last call. */
  follow(): Promise<void> {
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined;
    });
    return this.#following;
  }

  async #follow(): Promise<void> {
    const notices = await this.#changes.read();
    this.#forgetOld();
    for (const notice of notices) {
      if (notice.kind === 'unknown') this.#duePartitions.add(notice.partition);
      else for (const userId of notice.userIds) this.#dueUsers.add(nameOf({ tenantId: notice.tenantId, userId }));
    }
    if (this.#dueUsers.size + this.#duePartitions.size === 0) return;
    this.#notice(this.#dueUsers, this.#duePartitions);
    const concerned = [...this.#options.connections.all()].filter(
      ({ partition, principal }) => this.#duePartitions.has(partition) || this.#dueUsers.has(nameOf(principal)),
    );
    await this.#lookUp(concerned);
    this.#dueUsers.clear();
    this.#duePartitions.clear();
  }

  /** Looks each connection's user up, once for all connections of a user, some at a time. */
  async #lookUp(connections: readonly Connection[]): Promise<void> {
    const byUser = new Map<string, Connection[]>();
    for (const connection of connections) {
      const name = nameOf(connection.principal);
      const known = byUser.get(name);
      if (known) known.push(connection);
      else byUser.set(name, [connection]);
    }
    await inSlices([...byUser.values()], LOOKUPS, async (own) => {
      const { rooms } = await this.of((own[0] as Connection).principal);
      for (const connection of own) this.#options.membership.setGroups(connection, rooms);
    });
  }

  #notice(users: ReadonlySet<string>, partitions: ReadonlySet<number>): void {
    const nowMs = performance.now();
    for (const partition of partitions) this.#allNoticed.set(partition, nowMs);
    for (const user of users) {
      this.#noticed.delete(user);
      this.#noticed.set(user, nowMs);
    }
    if (this.#noticed.size <= MAX_NOTICED) return;
    this.#noticed.clear();
    for (let partition = 0; partition < this.#options.partitions; partition++) this.#allNoticed.set(partition, nowMs);
  }

  #forgetOld(): void {
    const untilMs = performance.now() - NOTICE_LIFE_MS;
    for (const [user, noticedAtMs] of this.#noticed) {
      if (noticedAtMs > untilMs) break;
      this.#noticed.delete(user);
    }
  }
}

/** One text per user, without a way to write two users alike. */
function nameOf({ tenantId, userId }: User): string {
  return JSON.stringify([tenantId, userId]);
}
