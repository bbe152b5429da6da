import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { TENANTS } from '../cast.ts';
import { OrdersService } from './orders.service.ts';
import { PublishingStatus } from './publishing-status.ts';

const MIN_PAUSE_MS = 700;
const MAX_PAUSE_MS = 1_500;
/** While so many events wait for Redis, nothing more happens: an outage delays orders, and piles none up. */
const MAX_WAITING = 50;

/** Keeps every tenant's shop busy. */
@Injectable()
export class OrderTraffic implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #orders: OrdersService;
  readonly #status: PublishingStatus;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(orders: OrdersService, status: PublishingStatus) {
    this.#orders = orders;
    this.#status = status;
  }

  onApplicationBootstrap(): void {
    for (const tenant of TENANTS) this.#plan(tenant);
  }

  beforeApplicationShutdown(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #plan(tenant: string): void {
    const pauseMs = MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS);
    const timer = setTimeout(() => {
      if (this.#status.waiting < MAX_WAITING) this.#orders.advance(tenant);
      this.#plan(tenant);
    }, pauseMs);
    this.#timers.set(tenant, timer);
  }
}
