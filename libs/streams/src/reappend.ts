import type { EntryId } from '@rejoin/protocol';
import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import type { Attempts } from './attempts.ts';

/** An event that is kept aside and shall go on. */
export interface KeptEvent {
  /** Where it stands in its hash. */
  readonly field: string;
  /** The entry that it was; `null` where it was none yet. */
  readonly entryId: EntryId | null;
  /** See `eventDigest`; `null` where the event is not readable enough to have one. */
  readonly digest: string | null;
  readonly event: string;
  /** `null` where it was not tried yet. */
  readonly attempts: Attempts | null;
  /** What a dead letter is counted by. */
  readonly label?: string;
}

export type Reappended =
  /** It stands at the tail now. */
  | { readonly outcome: 'appended'; readonly entryId: EntryId }
  /** The same `source` + `id` was accepted again in the meantime, as this entry; the kept one was dropped. */
  | { readonly outcome: 'duplicate'; readonly entryId: EntryId }
  /** It is not there any more: somebody else was faster, or the call is a repeated one. */
  | { readonly outcome: 'gone' };

export interface ReappendOptions {
  /** Whether to do nothing while the partition refuses publishing. */
  readonly refusedWhenFull: boolean;
  /** A hash of the partition in which outcomes are counted in the same step, and how long it is kept. */
  readonly tally?: { readonly key: string; readonly ttlMs: number };
}

/** What came of releasing kept events whose time has come. */
export interface Release {
  readonly outcomes: readonly Reappended[];
  /** Whether more are due already. */
  readonly more: boolean;
}

/** Events that are released in one step; each may have 64 KiB. */
export const RELEASE_SLICE = 50;

const script = loadScript('reappend', import.meta.url);
/** As long as an event's `source` + `id` is recognised. */
const DUPLICATE_WINDOW_MS = 600_000;

/** The hash and sorted set in which events of one kind are kept. */
export interface Keeping {
  readonly kept: string;
  readonly order: string;
}

/**
 * Appends kept events again, in one atomic step, each only if it is still kept. Idempotent. See `reappend.lua`.
 * @returns one outcome for each event, or `null` where publishing is refused and nothing was done
 */
export async function reappend(
  client: RedisClient,
  keys: PartitionKeys,
  { kept, order }: Keeping,
  events: readonly KeptEvent[],
  { refusedWhenFull, tally }: ReappendOptions,
): Promise<readonly Reappended[] | null> {
  const scriptKeys = [kept, order, keys.events, keys.seen, keys.seenBefore, keys.full, keys.deadIndex];
  if (tally) scriptKeys.push(tally.key);
  const args: (string | number)[] = [
    refusedWhenFull ? '1' : '0',
    DUPLICATE_WINDOW_MS,
    tally?.ttlMs ?? 0,
    events.length,
  ];
  for (const { field, entryId, digest, event, attempts, label = '' } of events) {
    args.push(field, entryId ?? '', digest ?? '', event);
    args.push(
      attempts?.attempt ?? '',
      attempts?.round ?? '',
      attempts?.firstFailedAtMs ?? '',
      attempts?.lastFailure ?? '',
      attempts?.postponed ?? 0,
      label,
    );
  }
  const reply = (await script.run(client, scriptKeys, args)) as string[];
  if (reply[0] === 'full') return null;
  return events.map((_, index): Reappended => {
    const outcome = reply[1 + 2 * index] as Reappended['outcome'];
    return outcome === 'gone' ? { outcome } : { outcome, entryId: reply[2 + 2 * index] as EntryId };
  });
}
