import type { EntryId } from '@rejoin/protocol';
import { type Keyspace, loadScript, type RedisClient } from '@rejoin/redis';
import type { ConnectionPrincipal } from './principal.ts';

/** What a connection watched, with the position of each watch, kept under its `pid` for its principal alone. */
export type Watches = ReadonlyMap<string, EntryId>;

const script = loadScript('session-save', import.meta.url);
const WATCH = 'watch:';
/** What Socket.IO makes, and nothing that could form another key. */
const PID = /^[A-Za-z0-9_-]{1,64}$/;

/** Sessions in Redis, so that any gateway can resume a client, also after the one it knew was killed. */
export class SessionStore {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #ttlMs: number;

  /** @param ttlMs how long a session outlives its last write, in milliseconds */
  constructor(client: RedisClient, keys: Keyspace, ttlMs: number) {
    this.#client = client;
    this.#keys = keys;
    this.#ttlMs = ttlMs;
  }

  /** The session of `pid`, or `null` where there is none or it is another principal's. */
  async find(partition: number, pid: string, principal: ConnectionPrincipal): Promise<Watches | null> {
    if (!PID.test(pid)) return null;
    const fields = await this.#client.hgetall(this.#keys.partition(partition).session(pid));
    if (fields.tenant !== principal.tenantId || fields.user !== principal.userId) return null;
    return new Map(
      Object.entries(fields)
        .filter(([field]) => field.startsWith(WATCH))
        .map(([field, since]) => [field.slice(WATCH.length), since]),
    );
  }

  /** Writes the session anew; it is bound to `principal`. */
  async save(partition: number, pid: string, principal: ConnectionPrincipal, watches: Watches): Promise<void> {
    const fields = ['tenant', principal.tenantId, 'user', principal.userId];
    for (const [resource, since] of watches) fields.push(`${WATCH}${resource}`, since);
    await script.run(this.#client, [this.#keys.partition(partition).session(pid)], [this.#ttlMs, ...fields]);
  }
}
