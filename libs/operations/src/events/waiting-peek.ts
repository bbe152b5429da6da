import type { EntryId } from '@rejoin/protocol';
import { loadScript, type RedisClient } from '@rejoin/redis';

export interface WaitingPeek {
  readonly newest: boolean;
  /** Bounds of a range, in the order in which they are looked at. */
  readonly from: string;
  readonly to: string;
  /** Most entries to look at; it may be fewer, for a step is short. */
  readonly entries: number;
  /** What an event must contain; see {@link plainPartOf}. */
  readonly text: string;
}

export interface WaitingSlice {
  readonly looked: number;
  /** The last entry looked at; `null` where there was none. */
  readonly last: EntryId | null;
  /** Whether nothing is left to look at. */
  readonly isOver: boolean;
  readonly entries: readonly { readonly entryId: EntryId; readonly event: string | null }[];
}

/** Entries and bytes that one command looks at. */
const STEP_ENTRIES = 500;
const STEP_BYTES = 512 * 1024;

const script = loadScript('peek-waiting', import.meta.url);

/** Looks at a slice of an event stream, in one short step. See `peek-waiting.lua`. */
export async function peekWaiting(client: RedisClient, events: string, peek: WaitingPeek): Promise<WaitingSlice> {
  const { newest, from, to, entries, text } = peek;
  const args = [newest ? 'newest' : 'oldest', from, to, Math.min(entries, STEP_ENTRIES), STEP_BYTES, text];
  const reply = await script.run(client, [events], args);
  const [looked, last, over, ...flat] = reply as [number, EntryId, number, ...(string | null)[]];
  const found: WaitingSlice['entries'][number][] = [];
  for (let i = 0; i < flat.length; i += 2) {
    found.push({ entryId: flat[i] as EntryId, event: flat[i + 1] as string | null });
  }
  return { looked, last: last === '' ? null : last, isOver: over === 1, entries: found };
}

/** The longest part of a value that JSON writes in one way alone: whoever wrote the event may have escaped the rest. */
export function plainPartOf(value: string): string {
  const parts = value.match(/[A-Za-z0-9._:-]+/g) ?? [''];
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest));
}
