import { describe, expect, test } from '@jest/globals';
import { parseEvent } from '@rejoin/protocol';
import fc from 'fast-check';
import { type Member, membersOf, TENANTS } from '../src/cast.ts';
import { type Order, type OrderStatus, recipientsOf, Shop, type ShopEvent } from '../src/orders/shop.ts';

const STEPS = 100;
/** Some run of a shop: `choices` are what its random numbers will be, over and over. */
const runs = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  choices: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1, maxLength: 50 }),
});

function run(tenant: string, choices: readonly number[]): ShopEvent[] {
  let turn = 0;
  const shop = new Shop(tenant, 1_000, () => choices[turn++ % choices.length] as number);
  return Array.from({ length: STEPS }, () => shop.next()).flat();
}

const orders = (events: readonly ShopEvent[]) =>
  events.flatMap(({ data }) => ('status' in data ? [data] : []) satisfies Order[]);

describe('an order', () => {
  test('is created, then paid, then shipped, each once, and nothing else of it changes', () => {
    fc.assert(
      fc.property(runs, ({ tenant, choices }) => {
        const histories = new Map<string, Order[]>();
        for (const order of orders(run(tenant, choices))) {
          histories.set(order.number, [...(histories.get(order.number) ?? []), order]);
        }
        const life: OrderStatus[] = ['created', 'paid', 'shipped'];
        const expected = [...histories.values()].map(([first, ...later]) =>
          [first, ...later].map((_, index) => ({ ...first, status: life[index] })),
        );
        expect([...histories.values()]).toEqual(expected);
      }),
    );
  });

  test('does not wait for ever: few are open at a time, and all sorts of steps happen', () => {
    const events = orders(run('acme', [0.9, 0.1, 0.5]));
    const count = (status: string) => events.filter((order) => order.status === status).length;
    expect(count('created') - count('shipped')).toBeLessThanOrEqual(7);
    expect(count('shipped')).toBeGreaterThan(STEPS / 5);
  });

  test('that is paid or shipped is followed by a notification, to staff and to its customer', () => {
    const events = run('globex', [0.2, 0.7]);
    for (const [index, { type, subject, data }] of events.entries()) {
      const next = events[index + 1];
      if (!('status' in data) || data.status === 'created' || next === undefined) continue;
      expect(next).toMatchObject({ type: type.replace('order', 'notification'), subject });
      expect(next.data).toMatchObject({ userId: data.status === 'paid' ? 'kim' : data.customerId });
    }
  });
});

describe('a customer', () => {
  test('places an order, which moves on like every other, and is told that it is in', () => {
    const [customer] = membersOf('acme', 'customer') as [Member];
    const shop = new Shop('acme', 1_000, () => 0);
    const [created, notice] = shop.place(customer) ?? [];
    expect(created).toMatchObject({ type: 'order.created', subject: 'A-1000', data: { customerId: customer.id } });
    expect(notice).toMatchObject({ type: 'notification.created', subject: 'A-1000', data: { userId: customer.id } });
    const later = Array.from({ length: STEPS }, () => shop.next()).flat();
    expect(later.filter(({ subject }) => subject === 'A-1000').map(({ type }) => type)).toContain('order.paid');
  });

  test('waits while too many orders are open', () => {
    const [customer] = membersOf('acme', 'customer') as [Member];
    const shop = new Shop('acme', 1_000, () => 0.99);
    for (let order = 0; order < 30; order++) expect(shop.place(customer)).not.toBeNull();
    expect(shop.place(customer)).toBeNull();
    for (let step = 0; step < 60; step++) shop.next();
    expect(shop.place(customer)).not.toBeNull();
  });
});

describe('events', () => {
  test('are valid, of their tenant alone, and later each than the one before', () => {
    fc.assert(
      fc.property(runs, ({ tenant, choices }) => {
        const events = run(tenant, choices);
        expect(events.filter((event) => !parseEvent({ specversion: '1.0', ...event }).ok)).toEqual([]);
        const customers = membersOf(tenant, 'customer').map(({ id }) => id);
        expect(orders(events).filter(({ customerId }) => !customers.includes(customerId))).toEqual([]);
        const times = events.map(({ time }) => time);
        expect(times).toEqual([...new Set(times)].sort());
      }),
      { numRuns: 30 },
    );
  });

  test('go to the customer and the staff of their own tenant, notifications to one user', () => {
    for (const event of run('acme', [0.3, 0.6])) {
      const recipients = recipientsOf(event);
      expect(recipients.map(({ tenant }) => tenant)).toEqual(recipients.map(() => 'acme'));
      const { data } = event;
      const expected = 'userId' in data ? [data.userId] : ['sam', data.customerId];
      expect(recipients.map(({ id }) => id)).toEqual(expected);
    }
  });
});
