import type { Principal } from '@rejoin/identity';
import type { RateLimit } from '@rejoin/limits';
import { Problem } from '../problem/problem.ts';
import type { EventDocument } from './event-document.ts';

/** Holds publishing to so many events in ten seconds: of one token, and for one tenant. */
export class PublishLimits {
  readonly #perToken: RateLimit;
  readonly #perTenant: RateLimit;
  readonly #onLimited: (scope: string) => void;

  /** @param onLimited somebody was refused; `scope` names the limit */
  constructor(perToken: RateLimit, perTenant: RateLimit, onLimited: (scope: string) => void) {
    this.#perToken = perToken;
    this.#perTenant = perTenant;
    this.#onLimited = onLimited;
  }

  /** @throws Problem 429 `RATE_LIMITED` with the time to wait */
  async admit(principal: Principal, document: EventDocument): Promise<void> {
    const events = document.kind === 'event' ? [document.event] : document.events;
    await this.#take(this.#perToken, nameOf(principal), events.length);
    for (const [tenant, count] of countByTenant(events)) await this.#take(this.#perTenant, tenant, count);
  }

  async #take(limit: RateLimit, key: string, points: number): Promise<void> {
    if (points === 0) return;
    const retryAfterMs = await limit.take(key, points);
    if (retryAfterMs === 0) return;
    this.#onLimited(limit.scope);
    throw new Problem(429, 'RATE_LIMITED', `too many events (${limit.scope})`, { retryAfterMs });
  }
}

/** The token by its `jti`; without one, whoever it stands for. */
function nameOf({ tokenId, tenantId, userId }: Principal): string {
  return JSON.stringify(tokenId === undefined ? ['subject', tenantId ?? null, userId] : ['token', tokenId]);
}

/** Events without a tenant are refused later, with every other bad field. */
function countByTenant(events: readonly unknown[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    const tenant = (event as { readonly tenantid?: unknown } | null)?.tenantid;
    if (typeof tenant === 'string') counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  }
  return counts;
}
