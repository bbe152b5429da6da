import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { OrderTraffic } from '../src/orders/order-traffic.ts';
import type { OrdersService } from '../src/orders/orders.service.ts';
import { PublishingStatus } from '../src/orders/publishing-status.ts';

let advanced: string[];
let status: PublishingStatus;
let traffic: OrderTraffic;

beforeEach(() => {
  jest.useFakeTimers();
  advanced = [];
  status = new PublishingStatus(() => undefined);
  const orders = { advance: (tenant: string) => advanced.push(tenant) } as unknown as OrdersService;
  traffic = new OrderTraffic(orders, status);
  traffic.onApplicationBootstrap();
});
afterEach(() => {
  traffic.beforeApplicationShutdown();
  jest.useRealTimers();
});

describe('order traffic', () => {
  test('keeps every shop busy', () => {
    jest.advanceTimersByTime(10_000);
    for (const tenant of ['acme', 'globex']) {
      expect(advanced.filter((each) => each === tenant).length).toBeGreaterThanOrEqual(6);
    }
  });

  test('halts while many events wait to be published, and goes on afterwards', () => {
    for (let event = 0; event < 50; event++) status.onEmitted();
    jest.advanceTimersByTime(10_000);
    expect(advanced).toEqual([]);
    status.onAppended({ events: 50 });
    jest.advanceTimersByTime(2_000);
    expect(advanced).not.toEqual([]);
  });

  test('ends', () => {
    traffic.beforeApplicationShutdown();
    jest.advanceTimersByTime(10_000);
    expect(advanced).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
