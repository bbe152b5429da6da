import type { EventHandler } from './event-map.ts';

/**
 * Events one by one, for `for await`. An event counts as handled when the next one is asked for, or the loop is left; until
 * then nothing else is handed to anybody, as with an asynchronous handler.
 */
export class EventStream<Event> implements AsyncIterableIterator<Event> {
  readonly #unsubscribe: () => void;
  /** Waits for an event. */
  #take: ((result: IteratorResult<Event, undefined>) => void) | undefined;
  /** Waits to be taken. */
  #offer: { readonly event: Event; readonly release: () => void } | undefined;
  /** Ends the handling of the event that was taken last. */
  #release: (() => void) | undefined;
  #ended = false;

  constructor(subscribe: (handler: EventHandler<Event>) => () => void) {
    this.#unsubscribe = subscribe((event) => this.#receive(event));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    this.#settle();
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    if (this.#offer) {
      const { event, release } = this.#offer;
      this.#offer = undefined;
      this.#release = release;
      return Promise.resolve({ done: false, value: event });
    }
    return new Promise((resolve) => {
      this.#take = resolve;
    });
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.end();
    return this.next();
  }

  /** No more events. What waits to be taken was not handled. */
  end(): void {
    this.#ended = true;
    this.#unsubscribe();
    this.#offer = undefined;
    this.#take?.({ done: true, value: undefined });
    this.#take = undefined;
  }

  #receive(event: Event): Promise<void> {
    return new Promise((release) => {
      if (!this.#take) {
        this.#offer = { event, release };
        return;
      }
      const take = this.#take;
      this.#take = undefined;
      this.#release = release;
      take({ done: false, value: event });
    });
  }

  #settle(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}
