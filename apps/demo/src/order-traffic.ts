import { setTimeout as delay } from 'node:timers/promises';
import type { Publisher } from '@rejoin/publisher';
import type { Logger } from '@rejoin/runtime';
import { TENANTS } from './cast.ts';
import { Shop, type ShopEvent } from './shop.ts';

const MIN_PAUSE_MS = 600;
const MAX_PAUSE_MS = 1_400;
const RETRY_MS = 500;
const PROBLEMS: Readonly<Record<string, string>> = {
  STREAM_UNAVAILABLE: 'Redis is away',
  BACKLOG_FULL: 'too many events wait for the workers',
};

export interface TrafficStatus {
  /** Why nothing is published at the moment; `null` where it is. */
  readonly problem: string | null;
}

export interface TrafficOptions {
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly logger: Logger;
  onPublished(event: ShopEvent): void;
  onStatus(status: TrafficStatus): void;
}

/**
 * Runs every tenant's shop and publishes what happens there, one event after the other. An event that is refused is repeated
 * with the same `id` until it is accepted, so an outage delays orders and loses or doubles none.
 */
export class OrderTraffic {
  readonly #options: TrafficOptions;
  readonly #stopping = new AbortController();
  #running: Promise<unknown> | undefined;
  #failing = false;
  #status: TrafficStatus = { problem: 'nothing has been published yet' };

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  get status(): TrafficStatus {
    return this.#status;
  }

  start(): void {
    // Seconds, below a million to be readable: above every number of an earlier run, for eleven days.
    const firstNumber = Math.floor(Date.now() / 1_000) % 1_000_000;
    this.#running ??= Promise.all(TENANTS.map((tenant) => this.#run(new Shop(tenant, firstNumber))));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(shop: Shop): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      for (const event of shop.next()) await this.#publish(event);
      await this.#pause(MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS));
    }
  }

  async #publish(event: ShopEvent): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#options.publisher.publish({ ...event });
        this.#accepted();
        this.#options.onPublished(event);
        return;
      } catch (error) {
        this.#refused(error as Error);
        await this.#pause(RETRY_MS);
      }
    }
  }

  #accepted(): void {
    if (this.#failing) this.#options.logger.info('events are accepted again');
    this.#failing = false;
    this.#set(null);
  }

  /** Logged at the beginning of an outage only. */
  #refused(error: Error & { code?: string }): void {
    if (this.#stopping.signal.aborted) return;
    if (!this.#failing) this.#options.logger.warn({ err: error }, 'events are not accepted; they wait');
    this.#failing = true;
    this.#set(PROBLEMS[error.code ?? ''] ?? error.message);
  }

  #set(problem: string | null): void {
    if (problem === this.#status.problem) return;
    this.#status = { problem };
    this.#options.onStatus(this.#status);
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
