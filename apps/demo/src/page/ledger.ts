import type { Emitted } from './service.ts';

/** What the ledger looks at of an event. */
export interface LedgerEntry {
  readonly id: string;
  readonly time: string;
  /** The order's number, which begins with the tenant's initial. */
  readonly subject?: string;
}

const MAX_REMEMBERED = 10_000;

/**
 * What one client received, checked against what was emitted for it. Times of a tenant's events rise strictly, so they show
 * the order without looking into cursors; and an event that is not there when a later one is can only be lost.
 */
export class Ledger {
  received = 0;
  /** Should stay 0: emitted for this client, not received, and passed by a later event. */
  lost = 0;
  /** Should stay 0: received a second time. */
  twice = 0;
  /** Should stay 0: received after a later event. */
  disordered = 0;
  /** Should stay 0: of another tenant. */
  foreign = 0;
  readonly #orderPrefix: string;
  readonly #ids = new Set<string>();
  readonly #awaited = new Map<string, string>();
  /** Of the first event received; what was emitted earlier is not for a client that began fresh. */
  #firstTime = '';
  #lastTime = '';

  constructor(tenant: string) {
    this.#orderPrefix = `${tenant.charAt(0).toUpperCase()}-`;
  }

  /** How many events were emitted for this client and are not received yet. */
  get awaited(): number {
    return this.#awaited.size;
  }

  /** An event was emitted for this client. @returns whether it is to be waited for: it may have been received already */
  announce({ id, time }: Pick<Emitted, 'id' | 'time'>): boolean {
    if (this.#ids.has(id) || time < this.#firstTime) return false;
    if (time < this.#lastTime) this.lost += 1;
    else this.#awaited.set(id, time);
    if (this.#awaited.size > MAX_REMEMBERED) this.#awaited.delete(firstOf(this.#awaited.keys()));
    return true;
  }

  /** An event that was announced reached nobody. */
  withdraw(id: string): void {
    this.#awaited.delete(id);
  }

  receive({ id, time, subject = '' }: LedgerEntry): void {
    const isFirst = this.received === 0;
    if (isFirst) this.#firstTime = time;
    this.received += 1;
    if (this.#ids.has(id)) this.twice += 1;
    else if (time <= this.#lastTime) this.disordered += 1;
    if (!subject.startsWith(this.#orderPrefix)) this.foreign += 1;
    this.#ids.add(id);
    if (this.#ids.size > MAX_REMEMBERED) this.#ids.delete(firstOf(this.#ids));
    this.#awaited.delete(id);
    if (time > this.#lastTime) this.#lastTime = time;
    for (const [earlier, emittedAt] of this.#awaited) {
      if (emittedAt >= time) continue;
      this.#awaited.delete(earlier);
      if (!isFirst) this.lost += 1;
    }
  }

  /** The gateway reported a gap: what is awaited cannot be delivered any more, and the client was told so. */
  giveUp(): void {
    this.#awaited.clear();
  }
}

function firstOf(ids: Iterable<string>): string {
  for (const id of ids) return id;
  throw new RangeError('there is none');
}
