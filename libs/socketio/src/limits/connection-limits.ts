import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type Keyspace, loadScript, type RedisClient } from '@rejoin/redis';
import { RefusedError } from '../errors.ts';
import { inSlices } from '../in-slices.ts';
import type { ConnectionPrincipal } from '../principal.ts';
import { spread } from '../return-delay.ts';
import type { LimitListener } from './limit-listener.ts';

export interface ConnectionBounds {
  /** On this gateway. */
  readonly perGateway: number;
  /** The others over all gateways. */
  readonly perAddress: number;
  readonly perUser: number;
  readonly perTenant: number;
}

export const DEFAULT_CONNECTION_BOUNDS: ConnectionBounds = {
  perGateway: 20_000,
  perAddress: 10_000,
  perUser: 1_000,
  perTenant: 50_000,
};

type Scope = 'connections_per_gateway' | 'connections_per_address' | 'connections_per_user' | 'connections_per_tenant';

interface Claim {
  readonly scope: Scope;
  readonly key: string;
  readonly limit: number;
}

/** How many connections of this gateway an address, user or tenant has; all of them share it. */
interface Held {
  readonly key: string;
  count: number;
}

/** A gateway counts as alive this long after its last heartbeat, in milliseconds. */
const GATEWAY_TTL_MS = 15_000;
const HEARTBEAT_MS = 5_000;
/** A count that nobody changes is forgotten after this time; every heartbeat writes the counts of this gateway again. */
const COUNT_TTL_MS = 60_000;
const RETRY_AFTER_MS = 5_000;
/** Counts that are written again at once. */
const RECOUNTS = 100;

const claimScript = loadScript('connection-claim', import.meta.url);
const heartbeatScript = loadScript('gateway-heartbeat', import.meta.url);
const recountScript = loadScript('connection-recount', import.meta.url);
const releaseScript = loadScript('connection-release', import.meta.url);

/**
 * Limits how many connections there are: on this gateway in memory; per address, user and tenant in Redis, as one count for
 * each gateway, so that those of a gateway that was killed are known to be gone when its heartbeat is.
 */
export class ConnectionLimits {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #bounds: ConnectionBounds;
  readonly #listener: LimitListener;
  /** Names this gateway to the others and to operators. */
  readonly gatewayId = `${hostname()}.${process.pid}.${randomBytes(6).toString('base64url')}`;
  readonly #held = new Map<string, Held>();
  #others: string[] = [];
  #claimed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: RedisClient, keys: Keyspace, bounds: ConnectionBounds, listener: LimitListener) {
    this.#client = client;
    this.#keys = keys;
    this.#bounds = bounds;
    this.#listener = listener;
  }

  /** Resolves when this gateway is known to the others. */
  async start(): Promise<void> {
    await this.#heartbeat();
    this.#timer = setInterval(() => {
      this.#heartbeat().catch((error: unknown) => this.#listener.onError(error));
    }, HEARTBEAT_MS);
  }

  /** Leaves; what was counted for this gateway counts no more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#client.zrem(this.#keys.gateways, this.gatewayId);
  }

  /**
   * Takes one connection's places. The returned function gives them back, once however often it is called.
   * @throws RefusedError `OVERLOADED` where the gateway is full, `RATE_LIMITED` where the address, user or tenant is
   */
  async claim(address: string, { tenantId, userId }: ConnectionPrincipal): Promise<() => void> {
    const { perGateway, perAddress, perUser, perTenant } = this.#bounds;
    if (this.#claimed >= perGateway) throw this.#refuse('OVERLOADED', 'connections_per_gateway');
    this.#claimed += 1;
    const claims: Claim[] = [
      { scope: 'connections_per_address', key: this.#key('address', address), limit: perAddress },
      { scope: 'connections_per_user', key: this.#key('user', tenantId, userId), limit: perUser },
      { scope: 'connections_per_tenant', key: this.#key('tenant', tenantId), limit: perTenant },
    ];
    const outcomes = await Promise.allSettled(claims.map((claim) => this.#take(claim)));
    const release = this.#releaseOnce(
      outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' && outcome.value ? [outcome.value] : [])),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) {
      release();
      throw failed.reason;
    }
    const refused = claims.find((_, index) => (outcomes[index] as PromiseFulfilledResult<Held | null>).value === null);
    if (refused) {
      release();
      throw this.#refuse('RATE_LIMITED', refused.scope);
    }
    return release;
  }

  #key(...subject: readonly string[]): string {
    return this.#keys.limits(`connections:${JSON.stringify(subject)}`);
  }

  /** Resolves to `null` where the limit is reached. */
  async #take({ key, limit }: Claim): Promise<Held | null> {
    const args = [this.gatewayId, limit, COUNT_TTL_MS, ...this.#others];
    if ((await claimScript.run(this.#client, [key], args)) !== 1) return null;
    const held = this.#held.get(key) ?? { key, count: 0 };
    this.#held.set(held.key, held);
    held.count += 1;
    return held;
  }

  /** What it returns lives as long as the connection, so it keeps nothing of its own. */
  #releaseOnce(taken: readonly Held[]): () => void {
    let left: readonly Held[] | null = taken;
    return () => {
      if (left === null) return;
      this.#claimed -= 1;
      for (const held of left) this.#giveBack(held);
      left = null;
    };
  }

  #giveBack(held: Held): void {
    held.count -= 1;
    if (held.count === 0) this.#held.delete(held.key);
    releaseScript
      .run(this.#client, [held.key], [this.gatewayId])
      .catch((error: unknown) => this.#listener.onError(error));
  }

  #refuse(code: 'OVERLOADED' | 'RATE_LIMITED', scope: Scope): RefusedError {
    this.#listener.onLimited(scope);
    return new RefusedError(code, `too many connections (${scope})`, { retryAfterMs: spread(RETRY_AFTER_MS) });
  }

  /** Renews this gateway's life and its counts, and learns who else lives. A lost count is mended here. */
  async #heartbeat(): Promise<void> {
    const living = await heartbeatScript.run(this.#client, [this.#keys.gateways], [this.gatewayId, GATEWAY_TTL_MS]);
    this.#others = (living as string[]).filter((id) => id !== this.gatewayId);
    await inSlices([...this.#held.values()], RECOUNTS, (held) => this.#recount(held));
  }

  async #recount({ key, count }: Held): Promise<void> {
    // A key that was given back meanwhile is Redis' to forget.
    if (count > 0) await recountScript.run(this.#client, [key], [this.gatewayId, count, COUNT_TTL_MS]);
  }
}
