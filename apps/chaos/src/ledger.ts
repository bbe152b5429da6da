import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import type { ChaosEvent } from './event-kinds.ts';

/** An event that was to be published, and what is known of it. */
export interface LedgerEvent extends ChaosEvent {
  isAccepted: boolean;
  /** Its place; of an event that moves, as it was seen first. */
  entryId: EntryId | undefined;
}

/** What was appended that can never be delivered, and the reason that its dead letter must have. */
export interface Poison {
  readonly partition: number;
  readonly entryId: EntryId;
  readonly name: string;
  readonly code: string;
}

/** The model: everything that was published in a round, and so what each client must have received in the end. */
export class Ledger {
  readonly events = new Map<string, LedgerEvent>();
  readonly poison: Poison[] = [];

  /** An event that may be accepted, whatever becomes of the one who publishes it. */
  intend(event: ChaosEvent): void {
    if (!this.events.has(event.id)) this.events.set(event.id, { ...event, isAccepted: false, entryId: undefined });
  }

  accept(id: string, entryId: EntryId | undefined): void {
    const event = this.events.get(id);
    if (!event) throw new Error(`nobody meant to publish ${id}`);
    event.isAccepted = true;
    if (entryId !== undefined && !event.moves) event.entryId = entryId;
  }

  get accepted(): LedgerEvent[] {
    return [...this.events.values()].filter(({ isAccepted }) => isAccepted);
  }

  /** A recently accepted event of a known place. */
  latestPlain(): LedgerEvent | undefined {
    return this.accepted.findLast(({ moves, entryId }) => !moves && entryId !== undefined);
  }

  /** Accepted entries of some tenants above one place and below another. */
  acceptedBetween(isHere: (tenant: string) => boolean, above: EntryId, below: EntryId): LedgerEvent | undefined {
    for (const event of this.events.values()) {
      if (event.isAccepted && !event.moves && event.entryId !== undefined && isHere(event.tenant)) {
        if (compareEntryIds(event.entryId, above) > 0 && compareEntryIds(event.entryId, below) < 0) return event;
      }
    }
    return undefined;
  }
}
