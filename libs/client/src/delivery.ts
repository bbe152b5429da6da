import type { Ready } from '@rejoin/protocol';
import type { ReceivedEvent, Reception } from './event-map.ts';
import type { Arrival } from './link.ts';

export interface DeliveryListener {
  /** Its result is awaited before the next arrival, and before the position moves. It does not throw. */
  onEvent(event: ReceivedEvent, reception: Reception): void | Promise<void>;
  onReady(ready: Ready): void | Promise<void>;
  /** The position moved. */
  onHandled(): void;
  /** Nothing is left. */
  onDrained(): void;
}

/**
 * Hands arrivals on one after the other, and knows the position up to which everything was handled. It suspends only where a
 * handler returned a promise: ten thousand missed events do not cost ten thousand turns.
 */
export class Delivery {
  /** Everything up to here was handled. */
  cursor: string | undefined;
  readonly #listener: DeliveryListener;
  /** Where a replay began whose end was not handled yet. */
  #replayFrom: string | undefined;
  #queue: Arrival[] = [];
  #running = false;
  #replaying = false;
  /** Changes with every `reset`, so that a handler of before does not move the position of now. */
  #era = 0;

  constructor(listener: DeliveryListener) {
    this.#listener = listener;
  }

  /** Arrivals that wait for handlers. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** As a store keeps it: the cursor, and behind a space the one where an unfinished replay began. */
  get position(): string | undefined {
    return this.cursor === undefined || this.#replayFrom === undefined
      ? this.cursor
      : `${this.cursor} ${this.#replayFrom}`;
  }

  /** Forgets everything and begins elsewhere: another user's events are none of this one's. */
  reset(cursor?: string, replayFrom?: string): void {
    this.#era += 1;
    this.#queue = [];
    this.#running = false;
    this.cursor = cursor;
    this.#replayFrom = replayFrom;
  }

  /** Drops what waits. What is being handled ends, and counts. */
  stop(): void {
    this.#queue = [];
  }

  push(arrival: Arrival): void {
    this.#queue.push(arrival);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const era = this.#era;
    for (let arrival = this.#queue.shift(); arrival; arrival = this.#queue.shift()) {
      const handled = this.#handle(arrival);
      if (handled) {
        await handled;
        if (era !== this.#era) return;
      }
      this.#advance(arrival);
    }
    this.#running = false;
    this.#listener.onDrained();
  }

  #handle(arrival: Arrival): void | Promise<void> {
    if (arrival.kind === 'event')
      return this.#listener.onEvent(arrival.event, { cursor: arrival.cursor, replayed: this.#replaying });
    if (arrival.kind === 'ready') return this.#listener.onReady(arrival.ready);
  }

  #advance(arrival: Arrival): void {
    if (arrival.kind === 'begin') {
      this.#replayFrom ??= this.cursor;
      this.#replaying = true;
      return;
    }
    if (arrival.kind === 'ready') {
      this.#replayFrom = undefined;
      this.#replaying = false;
    }
    this.cursor = arrival.cursor;
    this.#listener.onHandled();
  }
}
