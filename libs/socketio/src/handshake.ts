import {
  type Cursor,
  compareEntryIds,
  eventFilter,
  isEventPattern,
  MAX_EVENT_PATTERNS,
  parseCursor,
} from '@rejoin/protocol';
import { RefusedError } from './errors.ts';
import { resourceOf } from './resource.ts';

/** What a client asks for in its handshake, checked for form. */
export interface HandshakeRequest {
  readonly wants: (type: string) => boolean;
  /** Resources, as `<resource>:<id>`. */
  readonly watch: readonly string[];
  /** Everything the client offers as its position; empty for a new client. */
  readonly cursors: readonly string[];
  readonly pid: string | null;
}

const everything = (): boolean => true;

export interface HandshakeBounds {
  /** Most resources one connection may watch. */
  readonly maxWatched: number;
  /** A client was refused by a limit. */
  onLimited(scope: string): void;
}

/**
 * @param auth the handshake's `auth`, as it came
 * @throws RefusedError where `events` or `watch` is malformed; a malformed cursor is a gap, not a refusal
 */
export function parseHandshake(auth: Record<string, unknown>, bounds: HandshakeBounds): HandshakeRequest {
  return {
    wants: parseEvents(auth.events),
    watch: parseWatch(auth.watch, bounds),
    cursors: [auth.cursor, auth.offset].filter(isPresent).map((cursor) => (typeof cursor === 'string' ? cursor : '?')),
    pid: typeof auth.pid === 'string' ? auth.pid : null,
  };
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function parseEvents(events: unknown): (type: string) => boolean {
  if (!isPresent(events)) return everything;
  if (!Array.isArray(events) || events.length > MAX_EVENT_PATTERNS || !events.every(isEventPattern)) {
    throw new RefusedError('AUTH_INVALID', 'auth.events must be a list of event types such as "order.*"');
  }
  return eventFilter(events);
}

function parseWatch(watch: unknown, { maxWatched, onLimited }: HandshakeBounds): string[] {
  if (!isPresent(watch)) return [];
  if (Array.isArray(watch) && watch.length > maxWatched) onLimited('watched');
  if (!Array.isArray(watch) || watch.length > maxWatched || !watch.every((text) => resourceOf(text) !== null)) {
    throw new RefusedError('AUTH_INVALID', `auth.watch must be a list of at most ${maxWatched} "<resource>:<id>"`);
  }
  return [...new Set(watch as string[])];
}

/** The client's position among what it offered: the newest valid one, else any that can be read. */
export function chooseCursor(
  offered: readonly string[],
  partition: number,
  epoch: string,
): { readonly text: string; readonly cursor: Cursor | null } | null {
  const rank = (cursor: Cursor | null): number => {
    if (cursor === null) return 0;
    return cursor.partition === partition && cursor.epoch === epoch ? 2 : 1;
  };
  let best: { text: string; cursor: Cursor | null } | null = null;
  for (const text of offered) {
    const cursor = parseCursor(text);
    const better = best === null ? 1 : rank(cursor) - rank(best.cursor);
    const newer = better === 0 && cursor && best?.cursor && compareEntryIds(cursor.entryId, best.cursor.entryId) > 0;
    if (better > 0 || newer) best = { text, cursor };
  }
  return best;
}
