import type { RedisClient } from '@rejoin/redis';
import { DEFAULT_MAX_BACKLOG } from '@rejoin/streams';

export interface PublisherOptions {
  /**
   * `REDIS_URL` (one server, a local socket, sentinels or a cluster's nodes: see `parseRedisUrl`), or a client, which the
   * publisher uses and never closes.
   */
  readonly redis: string | RedisClient;
  /** First word of every key, as in `REJOIN_PREFIX`; `rejoin` by default. */
  readonly prefix?: string;
  /** The installation's partition count, to be checked; whatever it is, by default. */
  readonly partitions?: number;
  /** Most events of one partition that may wait for fan-out; 1,000,000 by default. */
  readonly maxBacklog?: number;
  /**
   * While Redis is away, `'fail'` (the default) refuses events at once, and `{ waitMs }` holds each up to so many
   * milliseconds and sends it in its order when Redis is back.
   */
  readonly whenUnavailable?: 'fail' | { readonly waitMs: number };
  /** Most events that may be held, waiting or under way; 100,000 by default. */
  readonly maxQueuedEvents?: number;
  /** Most bytes of JSON that may be held; 64 MiB by default. */
  readonly maxQueuedBytes?: number;
  /** Milliseconds that Redis may take to answer; 5,000 by default. */
  readonly commandTimeoutMs?: number;
  /** Milliseconds that `close()` waits for events under way; 5,000 by default. */
  readonly closeTimeoutMs?: number;
  /** Whether an absent `id` and `specversion` are filled in (the default), or refused as in every other form. */
  readonly fillIdentity?: boolean;
  /** Told of appends, for metrics. */
  readonly listener?: PublisherListener;
  /** Told each error of a connection that the publisher made. Calls report what concerns them by themselves. */
  onConnectionError?(this: void, error: Error): void;
}

export interface PublisherListener {
  /** Redis answered an append: so many events, of which so many were there already. */
  onAppended?(append: {
    readonly events: number;
    readonly duplicates: number;
    /** From the call until now, of the event that waited longest, in milliseconds. */
    readonly durationMs: number;
    readonly partition: number;
    /** Of those events that are traced. */
    readonly traces: readonly { readonly traceparent: string; readonly entryId: string }[];
  }): void;
  /** An accepted event was given up. */
  onFailed?(): void;
}

export type PublisherSettings = Required<Omit<PublisherOptions, 'partitions' | 'whenUnavailable'>> & {
  readonly partitions: number | undefined;
  /** How long events wait for Redis, in milliseconds; 0 refuses them at once. */
  readonly waitMs: number;
};

/** @throws RangeError */
export function settingsOf(options: PublisherOptions): PublisherSettings {
  const { whenUnavailable = 'fail' } = options;
  return {
    redis: options.redis,
    prefix: options.prefix ?? 'rejoin',
    partitions: options.partitions,
    maxBacklog: positive('maxBacklog', options.maxBacklog ?? DEFAULT_MAX_BACKLOG),
    waitMs: whenUnavailable === 'fail' ? 0 : positive('waitMs', whenUnavailable.waitMs),
    maxQueuedEvents: positive('maxQueuedEvents', options.maxQueuedEvents ?? 100_000),
    maxQueuedBytes: positive('maxQueuedBytes', options.maxQueuedBytes ?? 64 * 1024 * 1024),
    commandTimeoutMs: positive('commandTimeoutMs', options.commandTimeoutMs ?? 5_000),
    closeTimeoutMs: positive('closeTimeoutMs', options.closeTimeoutMs ?? 5_000),
    fillIdentity: options.fillIdentity ?? true,
    listener: options.listener ?? {},
    onConnectionError: options.onConnectionError ?? (() => undefined),
  };
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${name} must be greater than 0, not ${value}`);
  return value;
}
