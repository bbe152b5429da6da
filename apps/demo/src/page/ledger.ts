import type { ClientEvent } from '@rejoin/protocol';
import type { Notice, Order } from '../shop.ts';

/** An event of the demo, as a client receives it. */
export type DemoEvent = ClientEvent & { readonly subject: string; readonly data: Order | Notice };

/** The orders service says that it published an event. */
export interface Announcement {
  readonly id: string;
  readonly time: string;
  /** `<tenant>/<user>` of everybody who should receive it. */
  readonly recipients: readonly string[];
}

const MAX_REMEMBERED = 10_000;

/**
 * What one client received, checked against what was published for it. Times of a tenant's events rise strictly, so they show
 * the order without looking into cursors.
 */
export class Ledger {
  received = 0;
  /** Should stay 0: received a second time. */
  twice = 0;
  /** Should stay 0: received after a later event. */
  disordered = 0;
  /** Should stay 0: of another tenant. */
  foreign = 0;
  /** Where a new connection continues: everything up to here was handled. */
  cursor: string | undefined;
  readonly #orderPrefix: string;
  readonly #ids = new Set<string>();
  readonly #awaited = new Map<string, string>();
  /** Of the first event received; what was published earlier is not for a client that began fresh. */
  #firstTime = '';
  #lastTime = '';

  constructor(tenant: string) {
    this.#orderPrefix = `${tenant.charAt(0).toUpperCase()}-`;
  }

  /** How many events were published for this client and are not received yet. */
  get awaited(): number {
    return this.#awaited.size;
  }

  /** An event was published for this client; it may have been received already. */
  announce({ id, time }: Announcement): void {
    if (this.#ids.has(id) || time < this.#firstTime) return;
    this.#awaited.set(id, time);
    if (this.#awaited.size > MAX_REMEMBERED) this.#awaited.delete(firstOf(this.#awaited.keys()));
  }

  receive(event: DemoEvent, cursor: string): void {
    if (this.received === 0) this.#begin(event.time);
    this.received += 1;
    if (this.#ids.has(event.id)) this.twice += 1;
    else if (event.time <= this.#lastTime) this.disordered += 1;
    if (!event.subject.startsWith(this.#orderPrefix)) this.foreign += 1;
    this.#ids.add(event.id);
    if (this.#ids.size > MAX_REMEMBERED) this.#ids.delete(firstOf(this.#ids));
    this.#awaited.delete(event.id);
    if (event.time > this.#lastTime) this.#lastTime = event.time;
    this.cursor = cursor;
  }

  /** The gateway reported a gap: what is awaited cannot be delivered any more. */
  giveUp(): void {
    this.#awaited.clear();
  }

  #begin(time: string): void {
    this.#firstTime = time;
    for (const [id, published] of this.#awaited) if (published < time) this.#awaited.delete(id);
  }
}

function firstOf(ids: Iterable<string>): string {
  for (const id of ids) return id;
  throw new RangeError('there is none');
}
