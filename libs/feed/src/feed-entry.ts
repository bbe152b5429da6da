import { ENTRY_ID_ZERO, type EntryId } from '@rejoin/protocol';

/** An entry of a feed: an event, and who may see it. */
export interface FeedEntry {
  readonly entryId: EntryId;
  /** The feed entry before this one, `0-0` for the first. */
  readonly predecessor: EntryId;
  readonly tenant: string;
  readonly type: string;
  /** As `roomOf` names them. */
  readonly rooms: readonly string[];
  /** Of the event, where its trace is recorded. */
  readonly traceparent: string | undefined;
  /** JSON text of the event as clients receive it, in UTF-8. */
  readonly event: Buffer;
}

/** Begins the last part of a route where it is no room: a room has none, for it is percent-encoded. */
const TRACE_MARK = '^';

/**
 * What an entry's field `route` holds behind the predecessor: tenant, type and rooms, and `^` with the event's `traceparent`
 * where its trace is recorded, separated by one space. None of them
 * holds a space: tenant and rooms are percent-encoded, and a type has none. One field in place of four, because every field
 * costs each gateway as much as the event does.
 */
export function routeOf(tenant: string, type: string, rooms: readonly string[], traceparent?: string): string {
  const route = `${encodeURIComponent(tenant)} ${type} ${rooms.join(' ')}`;
  return traceparent === undefined ? route : `${route} ${TRACE_MARK}${traceparent}`;
}

/** Reads an entry as Redis returns it, its fields by their names; what is missing is empty, and so reaches nobody. */
export function parseFeedEntry(entryId: Buffer | string, fields: readonly Buffer[]): FeedEntry {
  let route = '';
  let event: Buffer = EMPTY;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const value = fields[i + 1] as Buffer;
    switch ((fields[i] as Buffer).toString('latin1')) {
      case 'route':
        route = value.toString('latin1');
        break;
      case 'event':
        event = value;
        break;
    }
  }
  const [predecessor = ENTRY_ID_ZERO, tenant = '', type = '', ...rooms] = route.split(' ');
  const traceparent = rooms.at(-1)?.startsWith(TRACE_MARK) ? rooms.pop()?.slice(TRACE_MARK.length) : undefined;
  return { entryId: entryId.toString(), predecessor, tenant: decoded(tenant), type, rooms, traceparent, event };
}

const EMPTY = Buffer.alloc(0);

function decoded(tenant: string): string {
  if (!tenant.includes('%')) return tenant;
  try {
    return decodeURIComponent(tenant);
  } catch {
    // Not written by a worker. As it stands it is no tenant that a room of the entry could be of.
    return tenant;
  }
}
