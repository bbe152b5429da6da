import { afterEach, describe, expect, test } from '@jest/globals';
import type { Publisher } from '@rejoin/publisher';
import { type Logger, silentLogger } from '@rejoin/runtime';
import { eventually } from '@rejoin/testing';
import { OrderTraffic, type TrafficStatus } from '../src/order-traffic.ts';
import type { ShopEvent } from '../src/shop.ts';

let traffic: OrderTraffic | undefined;
afterEach(() => traffic?.stop());

/** Traffic whose publishing does what `publish` does, and what became of it. */
function start(publish: (event: ShopEvent) => void) {
  const seen = {
    tried: [] as ShopEvent[],
    published: [] as ShopEvent[],
    statuses: [] as TrafficStatus[],
    logs: [] as string[],
  };
  const logger = silentLogger();
  const log = ((_fields: unknown, message?: string) => seen.logs.push(message ?? String(_fields))) as Logger['info'];
  logger.warn = log;
  logger.info = log;
  const publisher = {
    publish: async (event: unknown) => {
      seen.tried.push(event as ShopEvent);
      publish(event as ShopEvent);
      return {};
    },
  } as unknown as Publisher;
  traffic = new OrderTraffic({
    publisher,
    logger,
    onPublished: (event) => seen.published.push(event),
    onStatus: (status) => seen.statuses.push(status),
  });
  traffic.start();
  return seen;
}

function away(): never {
  throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'STREAM_UNAVAILABLE' });
}

describe('order traffic', () => {
  test('repeats a refused event with its id, and goes on in order once it is accepted', async () => {
    let refusals = 4;
    const seen = start(() => {
      if (refusals-- > 0) away();
    });
    await eventually(() => seen.published.length >= 4);
    const refused = seen.tried.slice(0, 4).map(({ id }) => id);
    expect(new Set(refused).size).toBe(2);
    for (const tenant of ['acme', 'globex']) {
      const of = (events: readonly ShopEvent[]) =>
        events.filter(({ tenantid }) => tenantid === tenant).map(({ id }) => id);
      expect(of(seen.published)).toEqual([...new Set(of(seen.tried))]);
    }
  });

  test('logs the beginning and the end of an outage, not each event of it', async () => {
    let refusals = 6;
    const seen = start(() => {
      if (refusals-- > 0) away();
    });
    await eventually(() => seen.published.length > 0);
    expect(seen.logs).toEqual(['events are not accepted; they wait', 'events are accepted again']);
    expect(seen.statuses).toEqual([{ problem: 'Redis is away' }, { problem: null }]);
  });

  test('stops while an event waits to be repeated', async () => {
    const seen = start(away);
    await eventually(() => seen.tried.length > 0);
    await traffic?.stop();
    const tried = seen.tried.length;
    await new Promise(setImmediate);
    expect(seen.tried).toHaveLength(tried);
    expect(seen.published).toEqual([]);
  });
});
