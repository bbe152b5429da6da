import { ENTRY_ID_ZERO } from '@rejoin/protocol';
import type { Connection } from '../connection.ts';
import type { SessionReport } from './control-messages.ts';

/** What is remembered of a connection that is gone. */
export interface Closing {
  readonly report: Omit<SessionReport, 'sees' | 'wants'>;
  readonly tenant: string;
  readonly user: string;
  readonly partition: number;
  readonly rooms: ReadonlySet<string>;
  wants(type: string): boolean;
}

/** Closings that one gateway remembers, some hundred bytes each; the oldest go. */
const MAX_CLOSINGS = 5_000;
const MAX_ROOMS = 64;

/** Who was here lately and how it ended: so that a gateway can tell why somebody did not get an event. */
export class Closings {
  readonly #all = new Set<Closing>();

  add(connection: Connection, reason: string): void {
    const { principal, socket } = connection;
    this.#all.add({
      tenant: principal.tenantId,
      user: principal.userId,
      partition: connection.partition,
      rooms: new Set([...connection.rooms.keys()].slice(0, MAX_ROOMS)),
      wants: connection.wants,
      report: {
        socketId: socket.id,
        state: 'closed',
        connectedAtMs: connection.connectedAtMs,
        closedAtMs: Date.now(),
        closeReason: connection.closing?.code ?? reason,
        startedFrom: connection.startedFrom,
        resumedFrom: connection.resumedFrom,
        cursor: connection.cursor,
        acknowledged: connection.acknowledged === ENTRY_ID_ZERO ? null : connection.acknowledged,
        bufferedBytes: 0,
      },
    });
    if (this.#all.size <= MAX_CLOSINGS) return;
    for (const oldest of this.#all) {
      this.#all.delete(oldest);
      return;
    }
  }

  all(): IterableIterator<Closing> {
    return this.#all.values();
  }
}
