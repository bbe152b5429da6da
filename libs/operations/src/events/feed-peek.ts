import { parseFeedEntry } from '@rejoin/feed';
import type { EntryId } from '@rejoin/protocol';
import { loadScript, type RedisClient } from '@rejoin/redis';

export interface FeedPeek {
  readonly newest: boolean;
  /** Bounds of a range, in the order in which they are looked at. */
  readonly from: string;
  readonly to: string;
  /** Most entries to look at; it may be fewer, for a step is short. */
  readonly entries: number;
  /** Most entries to return. */
  readonly matches: number;
  readonly tenant?: string | undefined;
  /** A type, or the beginning of one followed by `*`. */
  readonly type?: string | undefined;
  /** As `roomOf` names it. */
  readonly room?: string | undefined;
  /** What the event's text must contain. */
  readonly text?: string | undefined;
  /** Whether an event's size, in decimal, is returned in place of the event, which then never leaves Redis. */
  readonly sizes?: boolean;
}

export interface FeedSlice {
  readonly looked: number;
  /** The last entry looked at; `null` where there was none. */
  readonly last: EntryId | null;
  /** Whether nothing is left to look at. */
  readonly isOver: boolean;
  readonly entries: readonly { readonly entryId: EntryId; readonly route: string; readonly event: string }[];
}

/** Entries and bytes that one command looks at. */
const STEP_ENTRIES = 500;
const STEP_BYTES = 1024 ** 2;
const ROUTE = Buffer.from('route');

const script = loadScript('peek-feed', import.meta.url);

/** Looks at a slice of a feed, in one short step. See `peek-feed.lua`. */
export async function peekFeed(client: RedisClient, feed: string, peek: FeedPeek): Promise<FeedSlice> {
  const { newest, from, to, matches, tenant, type = '', room = '', text = '', sizes = false } = peek;
  const reply = (await script.run(
    client,
    [feed],
    [
      newest ? 'newest' : 'oldest',
      from,
      to,
      Math.min(peek.entries, STEP_ENTRIES),
      STEP_BYTES,
      matches,
      tenant === undefined ? '' : encodeURIComponent(tenant),
      type,
      room,
      text,
      sizes ? '1' : '0',
    ],
  )) as [number, EntryId, number, ...string[]];
  const [looked, last, over, ...flat] = reply;
  const entries: FeedSlice['entries'][number][] = [];
  for (let i = 0; i < flat.length; i += 3) {
    entries.push({ entryId: flat[i] as EntryId, route: flat[i + 1] as string, event: flat[i + 2] as string });
  }
  return { looked, last: last === '' ? null : last, isOver: over === 1, entries };
}

/** What an entry's route says. */
export function readRoute(entryId: EntryId, route: string) {
  const { tenant, type, rooms } = parseFeedEntry(entryId, [ROUTE, Buffer.from(route)]);
  return { tenant, type, rooms: rooms.filter((room) => room !== '') };
}
