import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ClientOptions, createClient, type RejoinClient } from '@rejoin/client';
import type { Publisher } from '@rejoin/publisher';
import { type ChildApp, eventually, tokenFor, uniquePrefix } from '@rejoin/testing';
import { System } from './system.ts';

jest.setTimeout(120_000);

const PATIENT = { timeoutMs: 60_000 };

let system: System;
let publisher: Publisher;
const clients: RejoinClient[] = [];
beforeAll(async () => {
  system = await System.start({ gateways: 3 });
  publisher = system.publisher();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => system.stop());

/** A page of one user, which may be loaded again: what came to it over all its loads. */
class Page {
  readonly tenant = uniquePrefix();
  readonly handed: number[] = [];
  readonly replays: string[] = [];
  readonly problems: string[] = [];
  readonly store = new Map<string, string>();
  client: RejoinClient;
  published = 0;
  readonly #options: Partial<ClientOptions>;

  /** @param options of every load */
  constructor(options: Partial<ClientOptions>) {
    this.#options = options;
    this.client = this.load();
  }

  load(options: Partial<ClientOptions> = {}): RejoinClient {
    this.client = createClient({
      url: system.gateways.map(({ url }) => url),
      token: () => tokenFor({ tenant: this.tenant, sub: 'u-1' }),
      store: this.store,
      saveIntervalMs: 1,
      backoff: { minMs: 10, maxMs: 200 },
      ...this.#options,
      ...options,
    });
    clients.push(this.client);
    this.client.on('order.*', ({ data }) => void this.handed.push((data as { number: number }).number));
    this.client.onReplay(({ status, ...rest }) => void this.replays.push('reason' in rest ? rest.reason : status));
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
    for (let at = 0; at < count; at += 1_000) await publisher.publishBatch(events.slice(at, at + 1_000));
  }
}

/** Everything that was published came, in order, each once. */
const expectAll = async (page: Page): Promise<void> => {
  await eventually(() => expect(page.handed.at(-1)).toBe(page.published), PATIENT);
  expect(page.handed).toEqual(Array.from({ length: page.published }, (_, i) => i + 1));
  expect(page.problems).toEqual([]);
};

describe('@rejoin/client on gateways that are processes of their own', () => {
  it('goes on at another gateway when its own is killed, and after a reload on a third', async () => {
    const doomed = system.gateways[0] as ChildApp;
    const page = new Page({});
    await page.client.ready();
    await page.publish(3);
    await expectAll(page);
    await system.kill(doomed);
    await page.publish(3);
    await expectAll(page);
    page.client.close();
    await page.publish(3);
    page.load({ url: (system.gateways[1] as ChildApp).url });
    await expectAll(page);
    expect(page.replays).toEqual(['none', 'complete', 'complete']);
  });

  it('catches up on ten thousand events on another gateway, although the replay is broken off again and again', async () => {
    const page = new Page({});
    await page.client.ready();
    await page.publish(1);
    await expectAll(page);
    page.client.disconnect();
    await page.publish(9_999);
    for (const breakAt of [500, 4_000, 7_000]) {
      page.client.connect();
      await eventually(() => page.handed.length >= breakAt, { ...PATIENT, intervalMs: 1 });
      page.client.disconnect();
    }
    page.client.connect();
    await expectAll(page);
    expect(page.replays.filter((status) => status !== 'complete')).toEqual(['none']);
  });

  it.each([
    ['of a history that nobody knows', 'epoch', (cursor: string) => cursor.replace(/^[^.]+/, 'elsewhere')],
    ['that cannot be read', 'unreadable', () => 'rubbish'],
    ['ahead of everything', 'ahead', (cursor: string) => cursor.replace(/[^.]+$/, '99999999999999-0')],
  ])('is told of the gap where its position is one %s, and live events flow', async (_which, reason, tamper) => {
    const page = new Page({});
    await page.client.ready();
    await page.publish(2);
    await expectAll(page);
    page.client.close();
    for (const [key, cursor] of page.store) page.store.set(key, tamper(cursor));
    page.handed.length = 0;
    await page.load().ready();
    await page.publish(1);
    await eventually(() => expect(page.handed.at(-1)).toBe(3), PATIENT);
    expect(page.replays).toEqual(['none', reason]);
  });
});
