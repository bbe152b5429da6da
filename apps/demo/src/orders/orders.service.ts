import { Injectable } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { type Member, TENANTS } from '../cast.ts';
import { Shop, type ShopEvent } from './shop.ts';

/**
 * The orders of every tenant. It emits what happens to them, as a service does that has never heard of Rejoin: the module decides
 * what becomes of it.
 */
@Injectable()
export class OrdersService {
  readonly #emitter: EventEmitter2;
  readonly #shops: ReadonlyMap<string, Shop>;

  constructor(emitter: EventEmitter2) {
    this.#emitter = emitter;
    // Seconds, below a million to be readable: above every number of an earlier run, for eleven days.
    const firstNumber = Math.floor(Date.now() / 1_000) % 1_000_000;
    this.#shops = new Map(TENANTS.map((tenant) => [tenant, new Shop(tenant, firstNumber)]));
  }

  /** A customer orders something. @returns the order's number, or `null` where too many are open */
  place(customer: Member): string | null {
    const events = this.#shopOf(customer.tenant).place(customer);
    if (events === null) return null;
    this.#emit(events);
    return events[0]?.subject ?? null;
  }

  /** Something happens in a tenant's shop. */
  advance(tenant: string): void {
    this.#emit(this.#shopOf(tenant).next());
  }

  #emit(events: readonly ShopEvent[]): void {
    for (const event of events) this.#emitter.emit(event.type, event);
  }

  #shopOf(tenant: string): Shop {
    return this.#shops.get(tenant) as Shop;
  }
}
