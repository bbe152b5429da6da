import { type AudienceToken, roomOf } from '@rejoin/protocol';
import { transientFailure } from '../resolution.ts';
import { isPromise } from '../type-resolver.ts';
import { type GroupMembers, MAX_EXPANDED_MEMBERS, type MembershipDirectory } from './membership-directory.ts';

/** Most rooms of one event: a client's message and every gateway's look at it grow with them. */
export const MAX_EVENT_ROOMS = 2_000;

/** A group among an event's audience, and how it is reached. */
export interface ExpandedGroup {
  readonly group: string;
  readonly size: number;
  /** By the rooms of its members, or by a room of its own. */
  readonly reachedBy: 'members' | 'room';
  readonly rooms: readonly string[];
}

type GroupToken = AudienceToken & { kind: 'group' };
type Expansion = readonly ExpandedGroup[] | ReturnType<typeof transientFailure>;

export function isGroup(token: AudienceToken): token is GroupToken {
  return token.kind === 'group';
}

/**
 * Looks up who is in groups. Members' rooms stand for a group of up to 1,000 as long as all of an event's rooms are at most
 * `MAX_EVENT_ROOMS`, the smallest groups first; else the group's own room does. Gateways join a user's connections to the rooms of
 * all its groups, whatever their size, so it is of no account to a client which of the two is chosen for an event.
 * @param otherRooms how many rooms the event has besides
 */
export function expandGroups(
  tenantId: string,
  groups: readonly GroupToken[],
  directory: MembershipDirectory,
  otherRooms: number,
): Expansion | Promise<Expansion> {
  const expand = (members: readonly GroupMembers[]): Expansion => chooseRooms(tenantId, groups, members, otherRooms);
  const unavailable = (cause: unknown): Expansion =>
    transientFailure('DIRECTORY_UNAVAILABLE', `the membership directory cannot be asked: ${String(cause)}`, { cause });
  try {
    const members = groups.map(({ id }) => directory.members(tenantId, id));
    if (!members.some((each) => isPromise(each))) return expand(members as GroupMembers[]);
    return Promise.all(members.map(async (each) => each)).then(expand, unavailable);
  } catch (cause) {
    return unavailable(cause);
  }
}

function chooseRooms(
  tenantId: string,
  groups: readonly GroupToken[],
  members: readonly GroupMembers[],
  otherRooms: number,
): readonly ExpandedGroup[] {
  let free = MAX_EVENT_ROOMS - otherRooms - groups.length;
  return groups
    .map((token, index) => ({ token, ...(members[index] as GroupMembers) }))
    .sort((a, b) => a.size - b.size)
    .map(({ token, size, rooms }) => {
      if (rooms === null || rooms.length > MAX_EXPANDED_MEMBERS || rooms.length - 1 > free) {
        return { group: token.id, size, reachedBy: 'room', rooms: [roomOf(tenantId, token)] };
      }
      free -= rooms.length - 1;
      return { group: token.id, size, reachedBy: 'members', rooms };
    });
}
