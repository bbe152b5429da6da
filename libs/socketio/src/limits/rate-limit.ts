import { RateLimit as Limit, type RateLimitOptions as LimitOptions } from '@rejoin/limits';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { RefusedError } from '../errors.ts';
import { spread } from '../return-delay.ts';
import type { LimitListener } from './limit-listener.ts';

export interface RateLimitOptions extends LimitOptions {
  readonly listener: LimitListener;
}

/** A limit of what clients do; beyond it `RATE_LIMITED` with the time to wait, spread so that they do not return together. */
export class RateLimit {
  readonly #limit: Limit;
  readonly #listener: LimitListener;

  private constructor(limit: Limit, listener: LimitListener) {
    this.#limit = limit;
    this.#listener = listener;
  }

  /** Counts in this process. */
  static inMemory(options: RateLimitOptions): RateLimit {
    return new RateLimit(Limit.inMemory(options), options.listener);
  }

  /** Counts in Redis, over all processes; while Redis is away each counts for itself. */
  static shared(client: RedisClient, keys: Keyspace, options: RateLimitOptions): RateLimit {
    return new RateLimit(Limit.shared(client, keys, options), options.listener);
  }

  /** @throws RefusedError */
  async consume(key: string): Promise<void> {
    const waitMs = await this.#limit.take(key);
    if (waitMs === 0) return;
    const { scope } = this.#limit;
    this.#listener.onLimited(scope);
    throw new RefusedError('RATE_LIMITED', `too many (${scope})`, { retryAfterMs: spread(waitMs) });
  }

  /** Forgets a key that will not come back. */
  async forget(key: string): Promise<void> {
    await this.#limit.forget(key);
  }
}
