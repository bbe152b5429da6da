import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

export interface RateLimitOptions {
  /** Names the limit in keys and metrics. */
  readonly scope: string;
  readonly points: number;
  readonly durationS: number;
}

/** So many times in so many seconds for one key. */
export class RateLimit {
  readonly scope: string;
  readonly #limiter: RateLimiterAbstract;

  private constructor(limiter: RateLimiterAbstract, scope: string) {
    this.#limiter = limiter;
    this.scope = scope;
  }

  /** Counts in this process. */
  static inMemory({ scope, points, durationS: duration }: RateLimitOptions): RateLimit {
    return new RateLimit(new RateLimiterMemory({ points, duration }), scope);
  }

  /** Counts in Redis, over all processes; while Redis is away each counts for itself. */
  static shared(client: RedisClient, keys: Keyspace, { scope, points, durationS }: RateLimitOptions): RateLimit {
    const limiter = new RateLimiterRedis({
      points,
      duration: durationS,
      storeClient: client,
      keyPrefix: keys.limits(scope),
      // Somebody far over the limit costs no round trip any more.
      inMemoryBlockOnConsumed: points + 1,
      insuranceLimiter: new RateLimiterMemory({ points, duration: durationS }),
    });
    return new RateLimit(limiter, scope);
  }

  /**
   * Takes points of a key.
   * @returns 0, or how many milliseconds from now there are points again
   */
  async take(key: string, points = 1): Promise<number> {
    try {
      await this.#limiter.consume(key, points);
      return 0;
    } catch (reason) {
      if (!(reason instanceof RateLimiterRes)) throw reason;
      return Math.max(1, reason.msBeforeNext);
    }
  }

  /** Forgets a key that will not come back. */
  async forget(key: string): Promise<void> {
    await this.#limiter.delete(key);
  }
}
