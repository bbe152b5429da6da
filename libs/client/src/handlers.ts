import { eventFilter } from '@rejoin/protocol';
import type { EventHandler, ReceivedEvent } from './event-map.ts';

interface Registration {
  readonly matches: (type: string) => boolean;
  readonly handler: EventHandler<ReceivedEvent>;
}

/** Handlers by pattern, in the order in which they were registered. */
export class Handlers {
  readonly #registrations = new Set<Registration>();

  add(pattern: string, handler: EventHandler<ReceivedEvent>): () => void {
    const registration = { matches: eventFilter([pattern]), handler };
    this.#registrations.add(registration);
    return () => this.#registrations.delete(registration);
  }

  /** As they are now: who comes or goes while they run is not of them. */
  of(type: string): EventHandler<ReceivedEvent>[] {
    return [...this.#registrations].filter(({ matches }) => matches(type)).map(({ handler }) => handler);
  }
}
