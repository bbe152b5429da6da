import type { EventHandler } from './event-map.ts';

const NOTHING = (): void => undefined;

/**
 * Events one by one, for `for await`. An event counts as handled when the next one is asked for, or the loop is left; until
 * then nothing else is handed to anybody, as with an asynchronous handler.
 */
export class EventStream<Event> implements AsyncIterableIterator<Event> {
  readonly #unsubscribe: () => void;
  /** Waits to be taken: at most one, as the next comes when this one was handled. */
  #offer: { readonly event: Event; readonly release: () => void } | undefined;
  /** Ends the wait for an event. */
  #wake = NOTHING;
  /** Ends the handling of the event that was taken last. */
  #release = NOTHING;
  #ended = false;
  /** The loop was left: what comes late is handled by nobody, and holds nobody up. */
  #left = false;

  constructor(subscribe: (handler: EventHandler<Event>) => () => void) {
    this.#unsubscribe = subscribe(
      (event) =>
        new Promise<void>((release) => {
          if (this.#left) return release();
          this.#offer = { event, release };
          this.#wake();
        }),
    );
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Event, undefined>> {
    this.#release();
    if (!this.#offer && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const offer = this.#ended ? undefined : this.#offer;
    this.#offer = undefined;
    if (!offer) return { done: true, value: undefined };
    this.#release = offer.release;
    return { done: false, value: offer.event };
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.#left = true;
    this.#offer?.release();
    this.end();
    return this.next();
  }

  /** No more events. What waits to be taken was not handled. */
  end(): void {
    this.#ended = true;
    this.#unsubscribe();
    this.#wake();
  }
}
