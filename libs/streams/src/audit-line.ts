import type { Keyspace, RedisClient } from '@rejoin/redis';

/** What somebody did, as the audit keeps it. */
export interface AuditLine {
  readonly action: string;
  /** Claim `sub` of who did it. */
  readonly by: string;
  /** The one tenant that they are bound to; `null` for all. */
  readonly tenant: string | null;
  /** What was meant. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** How many. */
  readonly count: number | null;
  readonly result: 'done' | 'partial' | 'started' | 'failed';
  readonly reason: string;
  readonly detail: string | null;
}

/** Lines that are kept, about; the oldest go. Some hundred bytes each. */
const MAX_LINES = 100_000;

/** Adds a line to the audit, to which lines are only ever added. */
export async function writeAuditLine(client: RedisClient, keys: Keyspace, line: AuditLine): Promise<void> {
  await client.xadd(keys.audit, 'MAXLEN', '~', MAX_LINES, '*', 'line', JSON.stringify(line));
}
