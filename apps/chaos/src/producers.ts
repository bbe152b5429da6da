import { setTimeout as delay } from 'node:timers/promises';
import { type EntryId, parseCursor, partitionOf } from '@rejoin/protocol';
import type { SeededRandom } from '@rejoin/testing';
import type { ChaosSystem } from './chaos-system.ts';
import { type ChaosEvent, drawAudience, PARTITIONS, plain, TENANTS } from './event-kinds.ts';
import type { Ledger } from './ledger.ts';
import type { PoisonKind } from './poison-kinds.ts';

const RETRY_MS = 100;
const REQUEST_TIMEOUT_MS = 8_000;

/** Publishes over HTTP, and past every check with plain `XADD`: what the referee's own process publishes. */
export class Producers {
  readonly #system: ChaosSystem;
  readonly #random: SeededRandom;
  readonly #prefix: string;
  #count = 0;
  #isEnding = false;

  /** @param prefix of the events' ids */
  constructor(system: ChaosSystem, random: SeededRandom, prefix: string) {
    this.#system = system;
    this.#random = random;
    this.#prefix = prefix;
  }

  /** Gives up what is not accepted yet: the run ends. */
  end(): void {
    this.#isEnding = true;
  }

  /** Publishes events in one request, again and again until they are accepted. */
  async publishOverHttp(ledger: Ledger, count: number, tenant?: string): Promise<void> {
    const events = Array.from({ length: count }, () => this.#event(tenant));
    for (const event of events) ledger.intend(event);
    const body = JSON.stringify(events.map((event) => ({ specversion: '1.0', ...plain(event) })));
    for (;;) {
      const results = await this.#post(body);
      if (results) {
        for (const { id, cursor } of results) ledger.accept(id, parseCursor(cursor)?.entryId);
        return;
      }
      if (this.#isEnding) return;
      await delay(RETRY_MS);
    }
  }

  /** Appends poison to the tenant's partition, or to another where that is the poison. */
  async poison(ledger: Ledger, kind: PoisonKind): Promise<void> {
    const { id, tenant } = this.#event();
    const home = partitionOf(tenant, PARTITIONS);
    const partition = kind.isMisplaced ? (home + 1) % PARTITIONS : home;
    const { events } = this.#system.keys.partition(partition);
    const entryId = (await this.#system.client.xadd(events, '*', ...kind.fields(id, tenant))) as EntryId;
    ledger.poison.push({ partition, entryId, name: kind.name, code: kind.code });
  }

  /** Appends a good event whose entry ID is in the future, as after a clock that jumped; says to which tenant. */
  async jumpAhead(ledger: Ledger, aheadMs: number): Promise<string> {
    const event = this.#event();
    ledger.intend(event);
    const { events } = this.#system.keys.partition(partitionOf(event.tenant, PARTITIONS));
    const text = JSON.stringify({ specversion: '1.0', ...plain(event) });
    // Where the partition is already further ahead this is refused; then nothing was published.
    const entryId = await this.#system.client
      .xadd(events, `${Date.now() + aheadMs}-*`, 'event', text)
      .catch((error: unknown) => {
        if (/smaller than/.test(String(error))) return null;
        throw error;
      });
    if (entryId !== null) ledger.accept(event.id, entryId);
    return event.tenant;
  }

  /** Appends an accepted event once more, past the publisher. */
  async repeat(ledger: Ledger): Promise<string> {
    const event = ledger.latestPlain();
    if (!event) return 'nothing yet';
    const { events } = this.#system.keys.partition(partitionOf(event.tenant, PARTITIONS));
    await this.#system.client.xadd(events, '*', 'event', JSON.stringify({ specversion: '1.0', ...plain(event) }));
    return event.id;
  }

  #event(tenant: string = this.#random.pick(TENANTS)): ChaosEvent {
    return { id: `${this.#prefix}-${this.#count++}`, tenant, audience: drawAudience(this.#random), moves: false };
  }

  async #post(body: string): Promise<readonly { readonly id: string; readonly cursor: string }[] | null> {
    try {
      const response = await fetch(`${this.#system.ops.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#system.serviceToken()}`, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const answer = (await response.json()) as { results?: { id: string; cursor: string }[] };
      return response.status === 202 ? (answer.results ?? null) : null;
    } catch {
      // Killed, frozen, cut off: whether it was accepted is unknown, so it is published again.
      return null;
    }
  }
}
