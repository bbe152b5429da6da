import { ENTRY_ID_ZERO, type EntryId } from '@rejoin/protocol';
import { type Keyspace, loadScript, type RedisClient } from '@rejoin/redis';
import { readStoredEvent } from '../events/stored-event.ts';
import { someAtATime } from '../some-at-a-time.ts';

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

const script = loadScript('find-waiting', import.meta.url);
const SLICE_ENTRIES = 500;
const SLICE_BYTES = 512 * 1024;
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
 * @param budgetMs after this time no further slice is begun
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
    if (performance.now() - startedAtMs >= budgetMs) return { found, looked, complete: false };
    await someAtATime(open, AT_ONCE, async (lane) => {
      const isNewest = round % 2 === 0;
      const bounds = isNewest ? ['newest', lane.newest, lane.oldest] : ['oldest', lane.oldest, lane.newest];
      const reply = await script.run(client, [lane.events], [...bounds, SLICE_ENTRIES, SLICE_BYTES, text]);
      const [count, last, over, ...flat] = reply as [number, EntryId, number, ...string[]];
      looked += count;
      lane.isOver = over === 1;
      if (last !== '') lane[isNewest ? 'newest' : 'oldest'] = `(${last}`;
      for (let i = 0; i < flat.length; i += 2) {
        if (readStoredEvent(flat[i + 1] as string).id !== eventId) continue;
        found.push({ partition: lane.partition, entryId: flat[i] as EntryId });
      }
    });
  }
}

/** The longest part of an id that JSON writes in one way alone: whoever wrote the event may have escaped the rest. */
function plainPartOf(eventId: string): string {
  const parts = eventId.match(/[A-Za-z0-9._:-]+/g) ?? [''];
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest));
}
