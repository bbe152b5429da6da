import { compareEntryIds, type EntryId, parseCursor } from '@rejoin/protocol';
import type { Client } from './client.ts';

/** An accepted event and its place. */
export interface AcceptedEvent {
  readonly id: string;
  readonly entryId: EntryId;
}

/**
 * What a client was not handed, after checking that each such event lies in the range of a gap that the client was told of, and
 * that everything else came once and in order.
 * @param accepted what the client was to be handed, in the order of entry IDs
 * @throws Error naming what is missing without a word, doubled or misordered
 */
export function lostWithNotice(client: Client, accepted: readonly AcceptedEvent[]): readonly AcceptedEvent[] {
  const received = new Set(client.recorder.ids());
  const lost = accepted.filter(({ id }) => !received.has(id));
  const silent = lost.filter(({ entryId }) => !gapsOf(client).some((covers) => covers(entryId)));
  if (silent.length > 0) {
    throw new Error(
      `${silent.length} of ${accepted.length} events are missing and in no gap, such as ${silent[0]?.id} at ` +
        `${silent[0]?.entryId}; told: ${JSON.stringify(client.replays)}`,
    );
  }
  client.recorder.assertDelivered(accepted.filter(({ id }) => received.has(id)).map(({ id }) => id));
  return lost;
}

function gapsOf(client: Client): ((entryId: EntryId) => boolean)[] {
  return client.replays.flatMap((replay) => {
    if (replay.status !== 'gap') return [];
    const from = parseCursor(replay.from)?.entryId ?? '0-0';
    const oldest = parseCursor(replay.oldest)?.entryId ?? '0-0';
    return [(entryId: EntryId) => compareEntryIds(entryId, from) > 0 && compareEntryIds(entryId, oldest) <= 0];
  });
}
