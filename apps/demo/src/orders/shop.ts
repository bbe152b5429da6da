import { randomUUID } from 'node:crypto';
import { type Member, membersOf } from '../cast.ts';

/** An order's life: created, then paid, then shipped. */
export type OrderStatus = 'created' | 'paid' | 'shipped';

/** What an order's events carry: all of it, so that a client that sees it for the first time can show it. */
export interface Order {
  readonly number: string;
  readonly customerId: string;
  readonly customer: string;
  readonly item: string;
  readonly status: OrderStatus;
}

/** What notifications carry. */
export interface Notice {
  readonly userId: string;
  readonly text: string;
}

export interface ShopEvent {
  readonly id: string;
  readonly source: '/demo/orders';
  readonly type: `order.${OrderStatus}` | `notification.${string}`;
  /** The order's number. */
  readonly subject: string;
  /** Later than the tenant's event before, also within one millisecond, so that a client can check the order. */
  readonly time: string;
  readonly tenantid: string;
  readonly data: Order | Notice;
}

const AFTER = { created: 'paid', paid: 'shipped' } as const;
const ITEMS = ['Desk lamp', 'Tea kettle', 'Field notes', 'Wool scarf', 'Bike bell', 'Plant pot', 'Film roll'];
/** Fewer would leave the board empty, more would pile up. */
const OPEN_ORDERS = { min: 3, max: 7 };
/** Above it nobody can place another order: whoever holds the button down waits for those to be shipped. */
const MAX_OPEN_ORDERS = 30;
/** One step of the three that an order takes. */
const CREATE_PROBABILITY = 1 / 3;

/** One tenant's orders. Each moves from created over paid to shipped, and is then forgotten. */
export class Shop {
  readonly #tenant: string;
  readonly #random: () => number;
  readonly #open: Order[] = [];
  #nextNumber: number;
  #lastTimeMs = 0;

  /**
   * @param firstNumber of the first order; those of an earlier run should be below it
   * @param random from 0 to below 1
   */
  constructor(tenant: string, firstNumber: number, random: () => number = Math.random) {
    this.#tenant = tenant;
    this.#nextNumber = firstNumber;
    this.#random = random;
  }

  /** What happens next: an order is created, or moves on; with the notification that goes with it. */
  next(): readonly ShopEvent[] {
    const open = this.#open.length;
    const creates = open < OPEN_ORDERS.min || (open < OPEN_ORDERS.max && this.#random() < CREATE_PROBABILITY);
    if (creates) return [this.#created(this.#pick(membersOf(this.#tenant, 'customer')))];
    const order = this.#advance();
    const event = this.#event(`order.${order.status}`, order.number, order);
    const [staff] = membersOf(this.#tenant, 'staff') as [Member];
    const notice =
      order.status === 'paid'
        ? { userId: staff.id, text: `Pack ${order.item.toLowerCase()} for ${order.customer}` }
        : { userId: order.customerId, text: `Your ${order.item.toLowerCase()} is on its way` };
    return [event, this.#event(`notification.${order.status}`, order.number, notice)];
  }

  /** A customer orders something, and is told that the order is in; `null` where too many orders are open. */
  place(customer: Member): readonly ShopEvent[] | null {
    if (this.#open.length >= MAX_OPEN_ORDERS) return null;
    const created = this.#created(customer);
    const { item } = created.data as Order;
    const notice = { userId: customer.id, text: `We have your order: ${item.toLowerCase()}` };
    return [created, this.#event('notification.created', created.subject, notice)];
  }

  #created(customer: Member): ShopEvent {
    const order: Order = {
      number: `${this.#tenant.charAt(0).toUpperCase()}-${this.#nextNumber++}`,
      customerId: customer.id,
      customer: customer.name,
      item: this.#pick(ITEMS),
      status: 'created',
    };
    this.#open.push(order);
    return this.#event('order.created', order.number, order);
  }

  #advance(): Order {
    const order = this.#pick(this.#open);
    const moved = { ...order, status: AFTER[order.status as keyof typeof AFTER] };
    this.#open.splice(this.#open.indexOf(order), 1, ...(moved.status === 'shipped' ? [] : [moved]));
    return moved;
  }

  #event(type: ShopEvent['type'], subject: string, data: Order | Notice): ShopEvent {
    this.#lastTimeMs = Math.max(Date.now(), this.#lastTimeMs + 1);
    const time = new Date(this.#lastTimeMs).toISOString();
    return { id: randomUUID(), source: '/demo/orders', type, subject, time, tenantid: this.#tenant, data };
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)] as Item;
  }
}

/**
 * Who receives an event, under the default audience rules: an order's goes to its customer and the tenant's staff, a
 * notification to the one user it names.
 */
export function recipientsOf({ tenantid, data }: ShopEvent): readonly Member[] {
  if ('userId' in data) return everybody(tenantid).filter(({ id }) => id === data.userId);
  return everybody(tenantid).filter(({ id, role }) => role === 'staff' || id === data.customerId);
}

function everybody(tenant: string): readonly Member[] {
  return [...membersOf(tenant, 'staff'), ...membersOf(tenant, 'customer')];
}
