import { ENTRY_ID_ZERO, type EntryId, entryIdTimeMs } from '@rejoin/protocol';
import { GROUP, type Keyspace, type RedisClient } from '@rejoin/redis';
import { readAttempts } from '@rejoin/streams';
import { type Actor, tenantFor } from '../actor.ts';
import { fieldOf, readStoredEvent } from '../events/stored-event.ts';
import { formatPosition, isEntryPosition, parsePosition } from '../position.ts';
import type { PendingPage, PendingView } from './pending-view.ts';

export interface PendingQuery {
  readonly tenant?: string;
  /** Only entries that were last delivered so long ago. */
  readonly minIdleMs?: number;
  readonly limit?: number;
  readonly after?: string;
}

/** One line of XPENDING. */
type Pending = readonly [entryId: EntryId, consumer: string, idleMs: number, deliveries: number];

interface Trial {
  readonly entry: string | null;
  readonly count: number;
}

/** Entries that one command looks at, and that one page does. */
const STEP = 100;
const SCAN_BUDGET = 1_000;

/**
 * What a partition's owner has read and not acknowledged. XPENDING and XRANGE alone: reading the list as a consumer, or claiming,
 * would raise the delivery counts that it shows.
 */
export class PendingEntries {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;

  constructor(client: RedisClient, keys: Keyspace) {
    this.#client = client;
    this.#keys = keys;
  }

  /** In the order of entry IDs. @throws OperationError */
  async list(actor: Actor, partition: number, query: PendingQuery = {}): Promise<PendingPage> {
    const tenant = tenantFor(actor, query.tenant);
    const { limit = 100, minIdleMs, after } = query;
    let position: EntryId = after === undefined ? ENTRY_ID_ZERO : parsePosition(after, isEntryPosition);
    const items: PendingView[] = [];
    const page = async (next: EntryId | null): Promise<PendingPage> => {
      const [total, consumer] = await this.#summary(partition);
      // How much of other tenants' waits is none of a bound actor's business.
      const shown = actor.tenant === null ? total : null;
      return { items, next: next && formatPosition(next), asOf: new Date().toISOString(), total: shown, consumer };
    };
    const trial = await this.#trial(partition);
    for (let scanned = 0; scanned < SCAN_BUDGET; scanned += STEP) {
      const lines = await this.#step(partition, position, minIdleMs);
      const views = await Promise.all(lines.map((line) => this.#view(partition, line, trial)));
      for (const view of views) {
        position = view.entryId;
        if (tenant !== undefined && view.tenant !== tenant) continue;
        items.push(view);
        if (items.length === limit) return page(position);
      }
      if (lines.length < STEP) return page(null);
    }
    return page(position);
  }

  async #step(partition: number, after: EntryId, minIdleMs: number | undefined): Promise<readonly Pending[]> {
    const { events } = this.#keys.partition(partition);
    const idle = minIdleMs === undefined ? [] : ['IDLE', minIdleMs];
    try {
      return (await this.#client.call('XPENDING', events, GROUP, ...idle, `(${after}`, '+', STEP)) as Pending[];
    } catch (error) {
      // No group: nothing was ever taken.
      if ((error as Error).message.startsWith('NOGROUP')) return [];
      throw error;
    }
  }

  async #summary(partition: number): Promise<[total: number, consumer: string | null]> {
    try {
      const reply = await this.#client.xpending(this.#keys.partition(partition).events, GROUP);
      const [total, , , consumers] = reply as [number, string | null, string | null, [string, string][] | null];
      return [total, consumers?.[0]?.[0] ?? null];
    } catch (error) {
      if ((error as Error).message.startsWith('NOGROUP')) return [0, null];
      throw error;
    }
  }

  /** The entry that an heir of its owner last began with, and how often that was: one at a time is on trial. */
  async #trial(partition: number): Promise<Trial> {
    const [entry = null, count = null] = await this.#client.hmget(
      this.#keys.partition(partition).trial,
      'entry',
      'count',
    );
    return { entry, count: Number(count ?? 0) };
  }

  async #view(partition: number, [entryId, , idleMs, deliveries]: Pending, trial: Trial): Promise<PendingView> {
    const keys = this.#keys.partition(partition);
    const entries = await this.#client.xrange(keys.events, entryId, entryId);
    const fields = entries[0]?.[1];
    const attempts = readAttempts(fields ?? []);
    const event = readStoredEvent(fields === undefined ? null : fieldOf(fields, 'event'));
    return {
      entryId,
      eventId: event.id,
      type: event.type,
      tenant: event.tenant,
      ageMs: Math.max(0, Date.now() - entryIdTimeMs(entryId)),
      idleMs,
      deliveries,
      payload: fields === undefined ? 'gone' : 'present',
      attempt: attempts?.attempt ?? null,
      trials: trial.entry === entryId ? trial.count : null,
      lastError: attempts?.lastFailure ?? null,
    };
  }
}
