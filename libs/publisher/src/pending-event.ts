import type { PreparedEvent } from './event-input.ts';
import type { Published } from './published.ts';

/** Events of one tenant that were published by one `publishBatch` call. */
export interface Batch {
  /** Set with the first failure, so that no later event of the batch is appended before the failed ones are repeated. */
  failure: Error | undefined;
}

/** An accepted event on its way. */
export class PendingEvent {
  readonly prepared: PreparedEvent;
  readonly batch: Batch | undefined;
  /** When it stops waiting for Redis, of `performance.now()`. */
  readonly deadline: number;
  readonly outcome: Promise<Published>;
  #settlement: { resolve(published: Published): void; reject(error: Error): void } | undefined;
  readonly #onSettled: (event: PendingEvent, error?: Error) => void;

  /** @param onSettled called once */
  constructor(
    prepared: PreparedEvent,
    batch: Batch | undefined,
    deadline: number,
    onSettled: (event: PendingEvent, error?: Error) => void,
  ) {
    this.prepared = prepared;
    this.batch = batch;
    this.deadline = deadline;
    this.#onSettled = onSettled;
    this.outcome = new Promise((resolve, reject) => {
      this.#settlement = { resolve, reject };
    });
  }

  /** Settling an event again does nothing. */
  resolve(published: Published): void {
    this.#take()?.resolve(published);
  }

  reject(error: Error): void {
    if (this.batch) this.batch.failure ??= error;
    this.#take(error)?.reject(error);
  }

  #take(error?: Error) {
    const settlement = this.#settlement;
    this.#settlement = undefined;
    if (settlement) this.#onSettled(this, error);
    return settlement;
  }
}
