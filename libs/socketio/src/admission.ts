import { type FeedTail, judgeCursor, type ReplayStart, readResumePoint } from '@rejoin/feed';
import { type EntryId, partitionOf, roomOf } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import type { Socket } from 'socket.io';
import { RefusedError } from './errors.ts';
import { chooseCursor, parseHandshake } from './handshake.ts';
import { type ConnectionPrincipal, roomsOf } from './principal.ts';
import { parseResource, type ResourceToken } from './resource.ts';
import type { SessionStore } from './session-store.ts';
import type { UserGroups } from './user-groups.ts';

/** Where a connection begins: with what happens from now on, or behind a cursor. */
export type AdmissionStart =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'resume'; readonly replay: ReplayStart; readonly from: string | null };

/** What was decided about a connection before anything was written to it. */
export interface Admission {
  readonly principal: ConnectionPrincipal;
  readonly partition: number;
  readonly epoch: string;
  readonly wants: (type: string) => boolean;
  /** By room; the position after which it may be seen, or `null` for from now on. */
  readonly rooms: ReadonlyMap<string, EntryId | null>;
  /** By resource; as `rooms`. */
  readonly watched: ReadonlyMap<string, EntryId | null>;
  /** Since when changes of the groups count, of `performance.now()`. */
  readonly groupsReadAtMs: number;
  readonly start: AdmissionStart;
  /** The `pid` that the client keeps, or `null` where it gets a new one. */
  readonly pid: string | null;
}

export interface AdmissionOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  readonly windowMs: number;
  readonly maxWatched: number;
  readonly tail: FeedTail;
  readonly sessions: SessionStore;
  /** Who is in which group, as the membership directory has it now. */
  readonly groups: { of(principal: ConnectionPrincipal): Promise<UserGroups> };
  authenticate(token: unknown): Promise<ConnectionPrincipal>;
  /** @throws RefusedError where a client of the tenant cannot be replayed to now */
  requireReplayPlace(tenantId: string): void;
  /** Somebody was refused by a limit. */
  onLimited(scope: string): void;
  authorizeWatch(principal: ConnectionPrincipal, resource: ResourceToken): Promise<boolean>;
}

/** From the beginning of the room's history. */
const ALWAYS: EntryId = '0-0';

/**
 * Decides whether a socket may connect, as whom, and from where: before the socket connects, so that nothing is on the
 * wire for somebody who may not. Nothing from an earlier session is trusted: rooms come from the token's claims and from
 * the membership directory, and every watched resource is authorised again.
 * @throws RefusedError
 */
export async function admit(socket: Socket, options: AdmissionOptions): Promise<Admission> {
  const { client, keys, tail, sessions, windowMs } = options;
  const principal = await options.authenticate(socket.handshake.auth.token);
  const request = parseHandshake(socket.handshake.auth, options);
  const partition = partitionOf(principal.tenantId, options.partitions);
  const resuming = request.cursors.length > 0;
  if (resuming) options.requireReplayPlace(principal.tenantId);
  const [session, groups] = await Promise.all([
    resuming && request.pid !== null ? sessions.find(partition, request.pid, principal) : null,
    options.groups.of(principal),
  ]);

  const watched = await authorizedWatches(principal, request.watch, session, resuming, options);
  const rooms = new Map<string, EntryId | null>(roomsOf(principal).map((room) => [room, ALWAYS]));
  for (const [room, since] of groups.rooms) rooms.set(room, since);
  for (const [resource, since] of watched) rooms.set(roomOf(principal.tenantId, parseResource(resource)), since);

  const { readAtMs: groupsReadAtMs } = groups;
  const admission = { principal, partition, wants: request.wants, rooms, watched, groupsReadAtMs };
  if (!resuming) return { ...admission, epoch: tail.epoch(partition), start: { kind: 'fresh' }, pid: null };

  const chosen = chooseCursor(request.cursors, partition, tail.epoch(partition));
  const cursor = chosen?.cursor ?? null;
  const point = await readResumePoint(
    client,
    keys.partition(partition),
    cursor?.partition === partition ? cursor.entryId : null,
    [...rooms].flatMap(([room, since]) => (since === null ? [] : [{ room, since }])),
  );
  if (point.epoch !== tail.epoch(partition)) {
    await tail.verify(partition);
    throw new RefusedError('OVERLOADED', 'the partition is being checked', { retryAfterMs: 200 });
  }
  const replay = judgeCursor(cursor, partition, point, windowMs);
  const from = cursor === null ? null : (chosen?.text ?? null);
  return {
    ...admission,
    epoch: point.epoch,
    start: { kind: 'resume', replay, from },
    pid: session !== null && replay.gap === null ? request.pid : null,
  };
}

/**
 * What the client asks to watch now and what it watched before, as far as it may. A resource has no history before its
 * watch: one that the session does not know is watched from now on; where there is no session to ask, a client that
 * resumes is taken to have watched what it names all along.
 */
async function authorizedWatches(
  principal: ConnectionPrincipal,
  requested: readonly string[],
  session: ReadonlyMap<string, EntryId> | null,
  resuming: boolean,
  { authorizeWatch, maxWatched }: AdmissionOptions,
): Promise<Map<string, EntryId | null>> {
  const unknownSince = resuming && session === null ? ALWAYS : null;
  const all = new Map<string, EntryId | null>(session ?? []);
  for (const resource of requested) if (!all.has(resource)) all.set(resource, unknownSince);
  const resources = [...all].slice(0, maxWatched);
  const allowed = await Promise.all(resources.map(([resource]) => authorizeWatch(principal, parseResource(resource))));
  return new Map(resources.filter((_, index) => allowed[index]));
}
