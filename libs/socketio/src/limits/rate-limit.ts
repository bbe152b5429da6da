import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { RefusedError } from '../errors.ts';
import type { LimitListener } from './limit-listener.ts';

export interface RateLimitOptions {
  /** Names the limit in keys and metrics. */
  readonly scope: string;
  readonly points: number;
  readonly durationS: number;
  readonly listener: LimitListener;
}

/** So many times in so many seconds for one key; beyond it `RATE_LIMITED` with the time to wait. */
export class RateLimit {
  readonly #limiter: RateLimiterAbstract;
  readonly #options: RateLimitOptions;

  private constructor(limiter: RateLimiterAbstract, options: RateLimitOptions) {
    this.#limiter = limiter;
    this.#options = options;
  }

  /** Counts in this process. */
  static inMemory(options: RateLimitOptions): RateLimit {
    return new RateLimit(new RateLimiterMemory({ points: options.points, duration: options.durationS }), options);
  }

  /** Counts in Redis, over all processes; while Redis is away each counts for itself. */
  static shared(client: RedisClient, keys: Keyspace, options: RateLimitOptions): RateLimit {
    const { scope, points, durationS: duration } = options;
    const limiter = new RateLimiterRedis({
      points,
      duration,
      storeClient: client,
      keyPrefix: keys.limits(scope),
      // Somebody far over the limit costs no round trip any more.
      inMemoryBlockOnConsumed: points + 1,
      insuranceLimiter: new RateLimiterMemory({ points, duration }),
    });
    return new RateLimit(limiter, options);
  }

  /** @throws RefusedError */
  async consume(key: string): Promise<void> {
    try {
      await this.#limiter.consume(key);
    } catch (reason) {
      if (!(reason instanceof RateLimiterRes)) throw reason;
      const { scope, listener } = this.#options;
      listener.onLimited(scope);
      throw new RefusedError('RATE_LIMITED', `too many (${scope})`, { retryAfterMs: reason.msBeforeNext });
    }
  }

  /** Forgets a key that will not come back. */
  async forget(key: string): Promise<void> {
    await this.#limiter.delete(key);
  }
}
