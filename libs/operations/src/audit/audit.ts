import { type EntryId, entryIdTimeMs } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { writeAuditLine } from '@rejoin/streams';
import { type Actor, requireAllTenants } from '../actor.ts';
import { formatPosition, isEntryPosition, parsePosition } from '../position.ts';
import type { AuditAction, AuditPage, AuditView } from './audit-view.ts';

/** What is to be written down. */
export type AuditLine = Pick<AuditView, 'action' | 'filter' | 'count' | 'result' | 'reason'> & {
  readonly detail?: string;
};

export interface AuditQuery {
  readonly action?: AuditAction;
  /** Exactly. */
  readonly by?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit?: number;
  readonly after?: string;
}

const SCAN_PAGE = 500;
const SCAN_BUDGET = 10_000;

/** Who did what, why, on how many: a stream to which lines are only ever added. */
export class Audit {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;

  constructor(client: RedisClient, keys: Keyspace) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Writes a line; what is done without one is not done, so callers write it before they say that it is done. */
  async write(actor: Actor, { action, filter, count, result, reason, detail }: AuditLine): Promise<void> {
    const { user: by, tenant } = actor;
    const line = { action, by, tenant, filter, count, result, reason, detail: detail ?? null };
    await writeAuditLine(this.#client, this.#keys, line);
  }

  /** Latest first. @throws OperationError */
  async list(actor: Actor, query: AuditQuery = {}): Promise<AuditPage> {
    requireAllTenants(actor);
    const { limit = 100, after, sinceMs, untilMs, action, by } = query;
    const items: AuditView[] = [];
    // As it was written, so that most lines need not be parsed.
    const quotedBy = JSON.stringify(by ?? '');
    let end: string =
      after === undefined
        ? untilMs === undefined
          ? '+'
          : String(untilMs)
        : `(${parsePosition(after, isEntryPosition)}`;
    let position: EntryId | null = null;
    for (let scanned = 0; scanned < SCAN_BUDGET; scanned += SCAN_PAGE) {
      const entries = await this.#client.xrevrange(
        this.#keys.audit,
        end,
        sinceMs === undefined ? '-' : String(sinceMs),
        'COUNT',
        SCAN_PAGE,
      );
      for (const [id, fields] of entries) {
        position = id;
        if (by !== undefined && !fields.some((field) => field.includes(quotedBy))) continue;
        const view = viewOf(id, fields);
        if (view === null || (action !== undefined && view.action !== action) || (by !== undefined && view.by !== by))
          continue;
        items.push(view);
        if (items.length === limit) return this.#page(items, id);
      }
      if (entries.length < SCAN_PAGE) return this.#page(items, null);
      end = `(${position}`;
    }
    return this.#page(items, position);
  }

  async #page(items: AuditView[], next: EntryId | null): Promise<AuditPage> {
    return { items, next: next === null ? null : formatPosition(next), asOf: new Date().toISOString() };
  }
}

/** A line that this version cannot read is left out rather than half shown. */
function viewOf(id: EntryId, fields: readonly string[]): AuditView | null {
  const at = fields.indexOf('line');
  if (at < 0 || at % 2 !== 0) return null;
  try {
    const line = JSON.parse(fields[at + 1] as string) as Omit<AuditView, 'id' | 'at'>;
    return { id, at: new Date(entryIdTimeMs(id)).toISOString(), ...line };
  } catch {
    // Somebody else wrote it; it says nothing of an operator.
    return null;
  }
}
