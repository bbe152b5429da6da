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
  #failure: Error | undefined;

  /** @param next makes the `n`th event, from 0 */
  constructor(publisher: Publisher, perSecond: number, next: (n: number) => TestEvent) {
    this.#publisher = publisher;
    this.#next = next;
    this.#perSecond = perSecond;
    this.#running = this.#run();
  }

  /** Publishes no more; resolves when all was accepted, and rejects where the first was not: it ended the load. */
  async stop(): Promise<readonly TestEvent[]> {
    this.#stopping.abort();
    await this.#running;
    if (this.#failure) throw this.#failure;
    return this.accepted;
  }

  async #run(): Promise<void> {
    let lastMs = performance.now();
    let due = 0;
    const underWay: Promise<unknown>[] = [];
    for (let n = 0; !this.#stopping.signal.aborted; ) {
      const nowMs = performance.now();
      // What a busy machine could not publish in time is not made up for at once.
      due += (Math.min(nowMs - lastMs, 100) / 1_000) * this.#perSecond;
      lastMs = nowMs;
      for (; n < due; n++) {
        const event = this.#next(n);
        this.accepted.push(event);
        underWay.push(publish(this.#publisher, event).catch((error: unknown) => this.#fail(error as Error)));
      }
      await delay(5);
    }
    await Promise.all(underWay);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#stopping.abort();
  }
}
