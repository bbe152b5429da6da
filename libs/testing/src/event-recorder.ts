import {
  type ClientEvent,
  compareEntryIds,
  type EntryId,
  parseCursor,
  type Ready,
  type Refusal,
} from '@rejoin/protocol';

/** What a recorder needs of a Socket.IO client. */
export interface RecordableSocket {
  onAny(listener: (name: string, ...args: unknown[]) => void): unknown;
  offAny(listener: (name: string, ...args: unknown[]) => void): unknown;
}

/** One domain event as a client's handler was given it. */
export interface RecordedEvent {
  readonly type: string;
  readonly event: ClientEvent;
  readonly cursor: string;
  /** Of `performance.now()`, in milliseconds. */
  readonly receivedAtMs: number;
}

export interface RecordedReady {
  readonly ready: Ready;
  readonly cursor: string;
}

/**
 * Everything that one client, meaning one chain of cursors, was handed: over reconnects, and over as many sockets as it
 * uses one after the other.
 */
export class EventRecorder {
  readonly events: RecordedEvent[] = [];
  readonly readies: RecordedReady[] = [];
  readonly closings: Refusal[] = [];
  /** The last cursor received, by an event, `rejoin:ready` or `rejoin:cursor`. */
  cursor: string | undefined;
  readonly #detach: (() => void)[] = [];

  constructor(...sockets: readonly RecordableSocket[]) {
    for (const socket of sockets) this.attach(socket);
  }

  /** Records a further socket of the same client. */
  attach(socket: RecordableSocket): void {
    const listener = (name: string, ...args: unknown[]): void => this.#record(name, args);
    socket.onAny(listener);
    this.#detach.push(() => socket.offAny(listener));
  }

  /** Records no more, and keeps what it has. */
  detach(): void {
    for (const detach of this.#detach.splice(0)) detach();
  }

  /** The ids of the recorded events, in the order in which they came. */
  ids(): string[] {
    return this.events.map(({ event }) => event.id);
  }

  /** The entry ids of the recorded events, in the order in which they came. */
  entryIds(): EntryId[] {
    return this.events.map(({ cursor }) => entryIdOf(cursor));
  }

  /** What was recorded against the ids that were to come, in the order in which they were published. */
  compareWith(expected: readonly string[]): Delivery {
    const seen = new Map<string, number>();
    for (const id of this.ids()) seen.set(id, (seen.get(id) ?? 0) + 1);
    const wanted = new Set(expected);
    const misordered: string[] = [];
    let before: EntryId | undefined;
    for (const [index, entryId] of this.entryIds().entries()) {
      if (before !== undefined && compareEntryIds(entryId, before) < 0) {
        misordered.push((this.events[index] as RecordedEvent).event.id);
      }
      before = entryId;
    }
    const order = new Map(expected.map((id, index) => [id, index]));
    let last = -1;
    for (const id of this.ids()) {
      const index = order.get(id);
      if (index === undefined) continue;
      if (index < last && !misordered.includes(id)) misordered.push(id);
      last = Math.max(last, index);
    }
    return {
      lost: expected.filter((id) => !seen.has(id)),
      doubled: [...seen].filter(([, count]) => count > 1).map(([id]) => id),
      misordered,
      unexpected: [...seen.keys()].filter((id) => !wanted.has(id)),
    };
  }

  /**
   * Asserts that exactly the expected events came, each once, in their order.
   * @throws Error naming what was lost, doubled, misordered or unexpected
   */
  assertDelivered(expected: readonly string[]): void {
    const delivery = this.compareWith(expected);
    const problems = Object.entries(delivery)
      .filter(([, ids]) => ids.length > 0)
      .map(
        ([problem, ids]) => `${ids.length} ${problem} (${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''})`,
      );
    if (problems.length > 0) {
      throw new Error(`of ${expected.length} events, ${this.events.length} received: ${problems.join('; ')}`);
    }
  }

  #record(name: string, args: readonly unknown[]): void {
    if (name === 'rejoin:closing') {
      this.closings.push(args[0] as Refusal);
      return;
    }
    const cursor = args.at(-1);
    if (typeof cursor !== 'string' || parseCursor(cursor) === null) return;
    this.cursor = cursor;
    if (name === 'rejoin:ready') this.readies.push({ ready: args[0] as Ready, cursor });
    else if (!name.startsWith('rejoin:')) {
      this.events.push({ type: name, event: args[0] as ClientEvent, cursor, receivedAtMs: performance.now() });
    }
  }
}

/** Each list holds event ids; all are empty where delivery was exact. */
export interface Delivery {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly misordered: readonly string[];
  readonly unexpected: readonly string[];
}

function entryIdOf(cursor: string): EntryId {
  const parsed = parseCursor(cursor);
  if (!parsed) throw new Error(`not a cursor: ${cursor}`);
  return parsed.entryId;
}
