import type { FeedTail } from '@rejoin/feed';
import { type EntryId, formatAudienceToken, roomOf } from '@rejoin/protocol';
import type { Connection } from './connection.ts';
import { RefusedError } from './errors.ts';
import { type ConnectionPrincipal, roomsOf } from './principal.ts';
import { parseResource, type ResourceToken, resourceOf } from './resource.ts';
import type { SessionStore } from './session-store.ts';

/** Until the client has unwatched something, it waits in vain; but asking is cheap. */
const UNWATCH_FIRST_MS = 1_000;

export interface MembershipOptions {
  readonly tail: FeedTail;
  readonly sessions: SessionStore;
  readonly maxWatched: number;
  /** Somebody was refused by a limit. */
  onLimited(scope: string): void;
  authorizeWatch(principal: ConnectionPrincipal, resource: ResourceToken): Promise<boolean>;
}

/** Changes the rooms of live connections: by watches, and by what a fresh token says. */
export class Membership {
  readonly #options: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Joins rooms; one without a position of its own is seen from the tail's position on. Runs in one turn. */
  join(connection: Connection, rooms: ReadonlyMap<string, EntryId | null>): void {
    const position = this.#options.tail.position(connection.partition);
    for (const [room, since] of rooms) connection.rooms.set(room, since ?? position);
    void connection.socket.join([...rooms.keys()]);
  }

  /**
   * Watches a resource from now on.
   * @throws RefusedError `INVALID_PAYLOAD` where no resource can have such a name, `FORBIDDEN` where the principal may not watch it,
   * `RATE_LIMITED` where it watches as many as it may
   */
  async watch(connection: Connection, resource: ResourceToken): Promise<void> {
    const { authorizeWatch, maxWatched, onLimited, tail } = this.#options;
    const name = formatAudienceToken(resource);
    if (resourceOf(name) === null) throw new RefusedError('INVALID_PAYLOAD', 'no resource has such a name');
    if (!(await authorizeWatch(connection.principal, resource))) {
      throw new RefusedError('FORBIDDEN', 'this resource may not be watched');
    }
    requireLive(connection);
    if (connection.watched.has(name)) return;
    if (connection.watched.size >= maxWatched) {
      onLimited('watched');
      throw new RefusedError('RATE_LIMITED', `at most ${maxWatched} resources may be watched`, {
        retryAfterMs: UNWATCH_FIRST_MS,
      });
    }
    this.join(connection, new Map([[roomOf(connection.principal.tenantId, resource), null]]));
    connection.watched.set(name, tail.position(connection.partition));
    await this.save(connection);
  }

  /** Ends a watch; a resource that is not watched is no error. */
  async unwatch(connection: Connection, resource: ResourceToken): Promise<void> {
    requireLive(connection);
    if (!connection.watched.delete(formatAudienceToken(resource))) return;
    this.#leave(connection, roomOf(connection.principal.tenantId, resource));
    await this.save(connection);
  }

  /**
   * Goes on with a fresh token: rooms of new roles are joined, those of lost ones left, watches authorised again.
   * @throws RefusedError `FORBIDDEN` where it is another user's or tenant's
   */
  async renew(connection: Connection, principal: ConnectionPrincipal): Promise<void> {
    const before = connection.principal;
    if (principal.tenantId !== before.tenantId || principal.userId !== before.userId) {
      throw new RefusedError('FORBIDDEN', 'the token is not of the same user and tenant');
    }
    const resources = [...connection.watched.keys()].map((name) => parseResource(name));
    const allowed = await Promise.all(resources.map((each) => this.#options.authorizeWatch(principal, each)));
    requireLive(connection);
    const rooms = roomsOf(principal);
    for (const room of roomsOf(connection.principal)) if (!rooms.includes(room)) this.#leave(connection, room);
    connection.renew(principal);
    this.join(connection, new Map(rooms.filter((room) => !connection.rooms.has(room)).map((room) => [room, null])));
    for (const [index, resource] of resources.entries()) {
      if (allowed[index]) continue;
      connection.watched.delete(formatAudienceToken(resource));
      this.#leave(connection, roomOf(principal.tenantId, resource));
    }
    await this.save(connection);
  }

  /**
   * Makes these the rooms of the connection's groups, each with the position after which it may be seen. Also while it is being
   * replayed to: what it has lost is not written any more. Runs in one turn.
   */
  setGroups(connection: Connection, rooms: ReadonlyMap<string, EntryId>): void {
    if (connection.state === 'closing' || connection.state === 'closed') return;
    const anyGroup = roomOf(connection.principal.tenantId, { kind: 'group', id: '' });
    for (const room of [...connection.rooms.keys()]) {
      if (room.startsWith(anyGroup) && !rooms.has(room)) this.#leave(connection, room);
    }
    const fresh = [...rooms].filter(([room, since]) => connection.rooms.get(room) !== since);
    if (fresh.length > 0) this.join(connection, new Map(fresh));
  }

  /** Keeps what the connection watches, so that any gateway can resume it. */
  async save({ socket, partition, principal, watched }: Connection): Promise<void> {
    const { pid } = socket as unknown as { readonly pid: string };
    await this.#options.sessions.save(partition, pid, principal, watched);
  }

  #leave(connection: Connection, room: string): void {
    connection.rooms.delete(room);
    void connection.socket.leave(room);
  }
}

function requireLive(connection: Connection): void {
  if (connection.state !== 'live')
    throw new RefusedError('OVERLOADED', 'the connection is closing', { retryAfterMs: 0 });
}
