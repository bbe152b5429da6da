import { eventFilter } from '@rejoin/protocol';
import type { EventHandler, ReceivedEvent } from './event-map.ts';

interface Registration {
  readonly matches: (type: string) => boolean;
  readonly handler: EventHandler<ReceivedEvent>;
}

/** Handlers by pattern, in the order in which they were registered. */
export class Handlers {
  #registrations: readonly Registration[] = [];
  /** By event type, so that patterns are matched once for each. */
  readonly #byType = new Map<string, EventHandler<ReceivedEvent>[]>();

  add(pattern: string, handler: EventHandler<ReceivedEvent>): () => void {
    const registration = { matches: eventFilter([pattern]), handler };
    this.#set([...this.#registrations, registration]);
    return () => this.#set(this.#registrations.filter((other) => other !== registration));
  }

  of(type: string): readonly EventHandler<ReceivedEvent>[] {
    let handlers = this.#byType.get(type);
    if (!handlers) {
      handlers = this.#registrations.filter(({ matches }) => matches(type)).map(({ handler }) => handler);
      this.#byType.set(type, handlers);
    }
    return handlers;
  }

  #set(registrations: readonly Registration[]): void {
    this.#registrations = registrations;
    this.#byType.clear();
  }
}
