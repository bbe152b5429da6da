import type { ReplayReport } from '@rejoin/protocol';
import type { ReceivedEvent, Reception } from './event-map.ts';
import type { Arrival } from './link.ts';
import { Progress } from './progress.ts';

export interface DeliveryListener {
  /** Its result is awaited before the next arrival, and before the position moves. It does not reject. */
  onEvent(event: ReceivedEvent, reception: Reception): void | Promise<void>;
  onReady(replay: ReplayReport): void | Promise<void>;
  /** The position moved. */
  onHandled(): void;
  /** Nothing is left. */
  onDrained(): void;
}

/**
 * Hands arrivals on one after the other; its progress is what was handled. It suspends only where a handler returned a promise:
 * what arrives in one piece is handled in one turn, and does not pile up.
 */
export class Delivery extends Progress {
  readonly #listener: DeliveryListener;
  #queue: Arrival[] = [];
  #running = false;
  #replaying = false;
  /** Changes with every `reset`, so that a handler of before does not move the position of now. */
  #era = 0;

  constructor(listener: DeliveryListener) {
    super();
    this.#listener = listener;
  }

  /** Arrivals that wait for handlers. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Forgets everything and begins elsewhere: another user's events are none of this one's. */
  override reset(cursor?: string, replayFrom?: string): void {
    super.reset(cursor, replayFrom);
    this.#era += 1;
    this.#running = false;
    this.stop();
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
      if (handled) await handled;
      if (era !== this.#era) return;
      this.#advance(arrival);
    }
    this.#running = false;
    this.#listener.onDrained();
  }

  #handle(arrival: Arrival): void | Promise<void> {
    const { kind } = arrival;
    if (kind === 'event')
      return this.#listener.onEvent(arrival.event, { cursor: arrival.cursor, replayed: this.#replaying });
    if (kind === 'ready') return this.#listener.onReady(arrival.replay);
  }

  #advance(arrival: Arrival): void {
    const { kind } = arrival;
    if (kind === 'begin') {
      this.begin();
      this.#replaying = true;
      return;
    }
    if (kind === 'ready') {
      this.replayFrom = undefined;
      this.#replaying = false;
    }
    this.cursor = arrival.cursor;
    this.#listener.onHandled();
  }
}
