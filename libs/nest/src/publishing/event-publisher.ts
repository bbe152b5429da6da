import type { AnyEvents, EventInput, Groups, Published, Publisher } from '@rejoin/publisher';

/**
 * Publishes events; inject it where an event must be published before something else happens.
 *
 *     constructor(private readonly events: EventPublisher<OrderEvents>) {}
 *
 * @see Publisher for what its methods guarantee and throw
 */
export class EventPublisher<Events extends object = AnyEvents>
  implements Pick<Publisher<Events>, 'publish' | 'publishBatch' | 'groups'>
{
  readonly #publisher: Publisher<Events>;

  /** @param publisher is closed by whoever made it */
  constructor(publisher: Publisher<Events>) {
    this.#publisher = publisher;
  }

  publish(event: EventInput<Events>): Promise<Published> {
    return this.#publisher.publish(event);
  }

  publishBatch(events: readonly EventInput<Events>[]): Promise<Published[]> {
    return this.#publisher.publishBatch(events);
  }

  /** Who is in which group. */
  get groups(): Groups {
    return this.#publisher.groups;
  }
}
