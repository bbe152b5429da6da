import { ENTRY_ID_ZERO, type EntryId } from '@rejoin/protocol';
import { type Keyspace, type RedisClient, someAtATime } from '@rejoin/redis';
import { readStoredEvent } from '../events/stored-event.ts';
import { peekWaiting, plainPartOf } from '../events/waiting-peek.ts';

export interface FoundWaiting {
  readonly partition: number;
  readonly entryId: EntryId;
}

export interface WaitingSearch {
  readonly found: readonly FoundWaiting[];
  /** Waiting entries that were looked at. */
  readonly looked: number;
  /** Whether all were. */
  readonly complete: boolean;
}

/** Entries of one slice: few of them at first, at both ends, whatever the time; then more. */
const FIRST_SLICE = 100;
const SLICE = 500;
const FIRST_ROUNDS = 2;
/** Slices that Redis gets at once. */
const AT_ONCE = 4;

/** The waiting entries of one partition that were not looked at yet: between two bounds that come nearer. */
interface Lane {
  readonly partition: number;
  readonly events: string;
  oldest: string;
  newest: string;
  isOver: boolean;
}

/**
 * Looks for waiting events by their id. Nothing names them before they are handled, since services may append them with plain
 * `XADD`: so they are looked through, in turn from both ends, since what is asked about has either just come or is stuck.
 * @param budgetMs after this time no further slices are begun, but for the first at both ends
 */
export async function searchWaiting(
  client: RedisClient,
  keys: Keyspace,
  partitions: readonly number[],
  eventId: string,
  budgetMs: number,
): Promise<WaitingSearch> {
  const startedAtMs = performance.now();
  const lanes = await Promise.all(
    partitions.map(async (partition): Promise<Lane> => {
      const { events, done } = keys.partition(partition);
      const oldest = `(${(await client.get(done)) ?? ENTRY_ID_ZERO}`;
      return { partition, events, oldest, newest: '+', isOver: false };
    }),
  );
  const text = plainPartOf(eventId);
  const found: FoundWaiting[] = [];
  let looked = 0;
  for (let round = 0; ; round++) {
    const open = lanes.filter(({ isOver }) => !isOver);
    if (open.length === 0) return { found, looked, complete: true };
    if (round >= FIRST_ROUNDS && performance.now() - startedAtMs >= budgetMs) return { found, looked, complete: false };
    await someAtATime(open, AT_ONCE, async (lane) => {
      const isNewest = round % 2 === 0;
      const [from, to] = isNewest ? [lane.newest, lane.oldest] : [lane.oldest, lane.newest];
      const peek = { newest: isNewest, from, to, entries: round < FIRST_ROUNDS ? FIRST_SLICE : SLICE, text };
      const slice = await peekWaiting(client, lane.events, peek);
      looked += slice.looked;
      lane.isOver = slice.isOver;
      if (slice.last !== null) lane[isNewest ? 'newest' : 'oldest'] = `(${slice.last}`;
      for (const { entryId, event } of slice.entries) {
        if (readStoredEvent(event).id === eventId) found.push({ partition: lane.partition, entryId });
      }
    });
  }
}
