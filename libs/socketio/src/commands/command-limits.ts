import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { RefusedError } from '../errors.ts';
import type { CommandContext } from './command.ts';
import type { CommandLimiter } from './command-pipeline.ts';

export interface CommandRates {
  /** Commands of one socket in ten seconds. */
  readonly perSocket: number;
  /** Commands of one user in ten seconds, over all gateways. */
  readonly perUser: number;
}

export const DEFAULT_COMMAND_RATES: CommandRates = { perSocket: 100, perUser: 300 };

const WINDOW_S = 10;

/**
 * Limits how often clients send commands: per socket in memory, per user in Redis, so that it holds over all gateways. While
 * Redis is away each gateway counts for itself.
 */
export class CommandLimits implements CommandLimiter {
  readonly #perSocket: RateLimiterAbstract;
  readonly #perUser: RateLimiterAbstract;

  constructor(client: RedisClient, keys: Keyspace, rates: CommandRates = DEFAULT_COMMAND_RATES) {
    const perUser = { points: rates.perUser, duration: WINDOW_S };
    this.#perSocket = new RateLimiterMemory({ points: rates.perSocket, duration: WINDOW_S });
    this.#perUser = new RateLimiterRedis({
      ...perUser,
      storeClient: client,
      keyPrefix: keys.limits('commands'),
      // Somebody far over the limit costs no round trip any more.
      inMemoryBlockOnConsumed: rates.perUser + 1,
      insuranceLimiter: new RateLimiterMemory(perUser),
    });
  }

  async admit({ socket, connection: { principal } }: CommandContext): Promise<void> {
    await consume(this.#perSocket, socket.id);
    await consume(this.#perUser, JSON.stringify([principal.tenantId, principal.userId]));
  }
}

async function consume(limiter: RateLimiterAbstract, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (reason) {
    if (!(reason instanceof RateLimiterRes)) throw reason;
    throw new RefusedError('RATE_LIMITED', 'too many commands', { retryAfterMs: reason.msBeforeNext });
  }
}
