import { setTimeout as delay } from 'node:timers/promises';
import type { Published, Publisher } from '@rejoin/publisher';

/** An event to publish, as far as tests say it. */
export interface TestEvent {
  readonly id: string;
  readonly tenant: string;
  readonly audience: string;
  readonly type?: string;
  readonly data?: unknown;
}

export function publish(publisher: Publisher, { id, tenant, audience, type, data }: TestEvent): Promise<Published> {
  return publisher.publish({
    id,
    source: '/e2e',
    tenantid: tenant,
    type: type ?? 'order.paid',
    audience,
    data: data ?? { id },
  });
}

/** Publishes events at a steady rate until it is stopped. */
export class Load {
  /** Accepted events, in the order of publishing. */
  readonly accepted: TestEvent[] = [];
  readonly #publisher: Publisher;
  readonly #next: (n: number) => TestEvent;
  readonly #perSecond: number;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  /** @param next makes the `n`th event, from 0 */
  constructor(publisher: Publisher, perSecond: number, next: (n: number) => TestEvent) {
    this.#publisher = publisher;
    this.#next = next;
    this.#perSecond = perSecond;
    this.#running = this.#run();
  }

  /** Publishes no more; resolves when all was accepted. */
  async stop(): Promise<readonly TestEvent[]> {
    this.#stopping.abort();
    await this.#running;
    return this.accepted;
  }

  async #run(): Promise<void> {
    const startedMs = performance.now();
    const underWay: Promise<unknown>[] = [];
    for (let n = 0; !this.#stopping.signal.aborted; ) {
      const due = ((performance.now() - startedMs) / 1_000) * this.#perSecond;
      for (; n < due; n++) {
        const event = this.#next(n);
        this.accepted.push(event);
        underWay.push(publish(this.#publisher, event));
      }
      await delay(5);
    }
    await Promise.all(underWay);
  }
}
