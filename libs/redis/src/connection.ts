import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisClient } from './script.ts';
import { parseRedisUrl } from './url.ts';

/**
 * What a connection is for.
 * - `commands`: short commands of somebody who waits. Fails fast: while Redis is away a command is refused after one
 *   attempt, and none takes longer than `commandTimeoutMs`.
 * - `background`: commands that may wait for Redis to come back: workers, gateways, the Socket.IO adapter.
 * - `blocking`: one blocking read at a time. It never reconnects: a cut read is rejected at once, and its owner, who watches
 *   over it, opens another connection from where it then is. (A client that repeated the read by itself would hide the
 *   cut, and may leave the read unsettled for ever: ioredis#2193.)
 */
export type ConnectionUse = 'commands' | 'background' | 'blocking';

export interface ConnectionOptions {
  /** See {@link parseRedisUrl}. */
  readonly url: string;
  readonly use: ConnectionUse;
  /** Shown by `CLIENT LIST`. */
  readonly name: string;
  /** `commands` only; milliseconds, 5,000 by default. */
  readonly commandTimeoutMs?: number;
  /**
   * Called for every connection error. A client without a listener would print each; the owner counts or logs them.
   */
  onError(error: Error): void;
}

/** Milliseconds before reconnection attempt `attempt`: exponential up to two seconds, half of it random. */
export function reconnectDelayMs(attempt: number): number {
  const ceiling = Math.min(2_000, 50 * 2 ** Math.min(attempt, 6));
  return Math.round(ceiling / 2 + (Math.random() * ceiling) / 2);
}

/**
 * Makes a client that connects in the background and, unless it is for blocking reads, reconnects for ever with backoff
 * and jitter.
 * @throws InvalidRedisUrlError
 */
export function connect(options: ConnectionOptions): RedisClient {
  const target = parseRedisUrl(options.url);
  const common: RedisOptions = {
    connectionName: options.name,
    connectTimeout: 5_000,
    // Without it a lost peer is noticed only by the next write's time-out.
    keepAlive: 10_000,
    noDelay: true,
    // Closing a client holds its process for this long where the connection is lost or silent; 2,000 by default.
    disconnectTimeout: 100,
    retryStrategy: options.use === 'blocking' ? () => null : reconnectDelayMs,
    // A failed-over master answers READONLY; reconnecting finds the new one.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    ...(options.use === 'commands'
      ? { maxRetriesPerRequest: 1, commandTimeout: options.commandTimeoutMs ?? 5_000 }
      : { maxRetriesPerRequest: null }),
  };
  const client = create(target, common);
  client.on('error', options.onError);
  return client;
}

function create(target: ReturnType<typeof parseRedisUrl>, common: RedisOptions): RedisClient {
  switch (target.kind) {
    case 'standalone':
      return new Redis(target.url, common);
    case 'socket':
      return new Redis({ ...common, path: target.path });
    case 'sentinel':
      return new Redis({
        ...common,
        sentinels: [...target.sentinels],
        name: target.name,
        db: target.db,
        ...(target.username ? { username: target.username } : {}),
        ...(target.password ? { password: target.password } : {}),
      });
    case 'cluster':
      return new Cluster([...target.nodes], {
        clusterRetryStrategy: common.retryStrategy as (attempt: number) => number | null,
        scaleReads: 'master',
        redisOptions: {
          ...common,
          ...(target.tls ? { tls: {} } : {}),
          ...(target.username ? { username: target.username } : {}),
          ...(target.password ? { password: target.password } : {}),
        },
      });
  }
}

/** Closes a client at once, whatever it waits for. */
export function disconnect(client: RedisClient): void {
  client.disconnect();
}
