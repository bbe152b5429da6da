import { type ClientOptions, createClient, type Gap, type RejoinClient } from '@rejoin/client';
import type { Publisher } from '@rejoin/publisher';
import { tokenFor, uniquePrefix } from '@rejoin/testing';
import type { System } from './system.ts';

/** A page of one user, which may be loaded again: what came to it over all its loads. */
export class Page {
  readonly tenant = uniquePrefix();
  readonly handed: number[] = [];
  readonly replays: string[] = [];
  /** What it was told is missing. */
  readonly gaps: Gap[] = [];
  readonly problems: string[] = [];
  readonly store = new Map<string, string>();
  client: RejoinClient;
  published = 0;
  readonly #system: System;
  readonly #publisher: Publisher;
  readonly #options: Partial<ClientOptions>;
  readonly #clients: RejoinClient[] = [];

  /** @param options of every load */
  constructor(system: System, publisher: Publisher, options: Partial<ClientOptions> = {}) {
    this.#system = system;
    this.#publisher = publisher;
    this.#options = options;
    this.client = this.load();
  }

  load(options: Partial<ClientOptions> = {}): RejoinClient {
    this.client = createClient({
      url: this.#system.gateways.map(({ url }) => url),
      token: () => tokenFor({ tenant: this.tenant, sub: 'u-1' }),
      store: this.store,
      saveIntervalMs: 1,
      backoff: { minMs: 10, maxMs: 200 },
      ...this.#options,
      ...options,
    });
    this.#clients.push(this.client);
    this.client.on('order.*', ({ data }) => void this.handed.push((data as { number: number }).number));
    this.client.onReplay(({ status, ...rest }) => void this.replays.push('reason' in rest ? rest.reason : status));
    this.client.onGap((gap) => void this.gaps.push(gap));
    this.client.onError(({ message }) => this.problems.push(message));
    return this.client.connect();
  }

  async publish(count: number): Promise<void> {
    const first = this.published + 1;
    this.published += count;
    const events = Array.from({ length: count }, (_, i) => ({
      id: `${this.tenant}-${first + i}`,
      source: '/e2e',
      type: 'order.paid',
      tenantid: this.tenant,
      audience: 'tenant',
      data: { number: first + i },
    }));
    for (let at = 0; at < count; at += 1_000) await this.#publisher.publishBatch(events.slice(at, at + 1_000));
  }

  close(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }
}
