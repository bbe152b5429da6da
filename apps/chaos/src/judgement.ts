import { parseFeedEntry } from '@rejoin/feed';
import { compareEntryIds, type EntryId, parseCursor, partitionOf } from '@rejoin/protocol';
import type { ChaosClient } from './chaos-client.ts';
import type { ChaosSystem } from './chaos-system.ts';
import { PARTITIONS } from './event-kinds.ts';
import type { Ledger, LedgerEvent } from './ledger.ts';
import type { Referee } from './referee.ts';

export interface ClientJudgement {
  /** Accepted events that the client had to receive. */
  readonly expected: number;
  readonly missing: readonly LedgerEvent[];
  /** In the range of a reported gap. */
  readonly gapped: number;
  /** Received, and never meant to be published. */
  readonly unknown: readonly string[];
}

/** Compares what a client received with what the ledger says that it had to. */
export function judge(client: ChaosClient, ledger: Ledger): ClientJudgement {
  const gaps = client.gaps.map(({ from, oldest }) => ({
    above: parseCursor(from)?.entryId ?? '0-0',
    upTo: parseCursor(oldest)?.entryId ?? '0-0',
  }));
  /** Where nobody saw the event's place, any gap may hide it. */
  const isInGap = (entryId: EntryId | undefined): boolean =>
    entryId === undefined
      ? gaps.length > 0
      : gaps.some(({ above, upTo }) => compareEntryIds(entryId, above) > 0 && compareEntryIds(entryId, upTo) <= 0);
  const expected = ledger.accepted.filter(({ tenant, audience }) => client.sees(tenant, audience));
  const absent = expected.filter(({ id }) => !client.has(id));
  const missing = absent.filter(({ entryId }) => !isInGap(entryId));
  return {
    expected: expected.length,
    missing,
    gapped: absent.length - missing.length,
    unknown: client.receipts.filter(({ id }) => !ledger.events.has(id)).map(({ id }) => id),
  };
}

/**
 * Learns the places of events that move: from the feeds, and from clients, which must agree.
 */
export async function learnPlaces(
  system: ChaosSystem,
  clients: readonly ChaosClient[],
  ledger: Ledger,
  referee: Referee,
): Promise<void> {
  for (const client of clients) {
    for (const { id, entryId } of client.receipts) {
      const event = ledger.events.get(id);
      if (!event) continue;
      if (event.entryId !== undefined && event.entryId !== entryId) {
        referee.report('G3', 'one event came under two places', {
          client: client.name,
          event: id,
          places: [event.entryId, entryId],
        });
      }
      event.entryId = entryId;
    }
  }
  for (const { feed } of system.partitions) {
    for (const [id, fields] of await system.client.xrangeBuffer(feed, '-', '+')) {
      const { entryId, event } = parseFeedEntry(id, fields);
      const known = ledger.events.get((JSON.parse(event.toString()) as { id: string }).id);
      if (known) known.entryId ??= entryId;
    }
  }
}

/** Poison must be dead with its reason, and nothing else may be dead. */
export async function judgeDeadLetters(system: ChaosSystem, ledger: Ledger, referee: Referee): Promise<number> {
  const allowed = new Map(ledger.poison.map((poison) => [`${poison.partition} ${poison.entryId}`, poison]));
  let count = 0;
  for (const { partition, dead } of system.partitions) {
    const letters = await system.client.hgetall(dead);
    for (const [entryId, text] of Object.entries(letters)) {
      const { code, message, eventId, tenantId } = JSON.parse(text) as Record<string, string | undefined>;
      const poison = allowed.get(`${partition} ${entryId}`);
      allowed.delete(`${partition} ${entryId}`);
      count += 1;
      if (!poison && !isRepeatedPoison(eventId, code, ledger)) {
        const guarantee = code === 'PAYLOAD_MISSING' ? 'G8' : 'G1';
        referee.report(guarantee, 'a good event was dead-lettered', {
          partition,
          entryId,
          code,
          message,
          eventId,
          tenantId,
        });
      } else if (poison && poison.code !== code) {
        referee.report('G7', `poison (${poison.name}) is dead for another reason`, {
          ...poison,
          reason: code,
          message,
        });
      }
    }
    if (Object.keys(letters).length > 0) {
      const { deadOrder, deadIndex } = system.keys.partition(partition);
      await system.client.del(dead, deadOrder, deadIndex);
    }
  }
  for (const poison of allowed.values()) {
    referee.report('G7', `poison (${poison.name}) was not dead-lettered`, { ...poison });
  }
  return count;
}

/** An append whose answer was lost with its connection is made again, and so there are two of it. */
function isRepeatedPoison(eventId: string | undefined, code: string | undefined, ledger: Ledger): boolean {
  if (eventId !== undefined && ledger.events.get(eventId)?.isAccepted) return false;
  return ledger.poison.some((poison) => poison.code === code);
}

/** Looks, in one moment, whether trimming took anything that was not handled. */
export async function watchTrimming(system: ChaosSystem, ledger: Ledger, referee: Referee): Promise<void> {
  for (const { partition, events, done } of system.partitions) {
    const replies = await system.client.multi().get(done).xrange(events, '-', '+', 'COUNT', 1).exec();
    const handled = (replies?.[0]?.[1] as EntryId | null) ?? '0-0';
    const first = (replies?.[1]?.[1] as [EntryId, string[]][] | undefined)?.[0]?.[0];
    if (first === undefined) continue;
    const taken = ledger.acceptedBetween((tenant) => partitionOf(tenant, PARTITIONS) === partition, handled, first);
    if (taken) {
      referee.report('G8', 'an event was trimmed that was not handled', { partition, done: handled, first, ...taken });
    }
  }
}
