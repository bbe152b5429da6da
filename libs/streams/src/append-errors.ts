/**
 * Redis could not be asked, or could not take writes. The events of the call may have been appended nevertheless, where
 * only the reply was lost: repeat them with the same `source` and `id`, and none is doubled.
 */
export class StreamUnavailableError extends Error {
  readonly code = 'STREAM_UNAVAILABLE';
  override readonly name = 'StreamUnavailableError';
  /** Whether the same call may succeed later without anybody changing something. */
  readonly retryable: boolean;
  /** Milliseconds to wait before repeating it. */
  readonly retryAfterMs = 1_000;

  constructor(message: string, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.retryable = options.retryable;
  }

  /** @param what could not be done, in words, such as "partition 3 cannot be written" */
  static from(what: string, cause: unknown): StreamUnavailableError {
    const { name, message } = cause as Error;
    // Whatever is not an answer of Redis is a lost connection or a time-out.
    const retryable = name !== 'ReplyError' || PASSING.test(message);
    return new StreamUnavailableError(`${what}: ${message}`, { retryable, cause });
  }
}

/**
 * Answers of a Redis that starts, fails over, moves slots, or waits for memory, its replicas or its disk.
 * @see https://github.com/redis/redis/blob/7.0/src/server.c (`createSharedObjects`)
 */
const PASSING = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|OOM|NOREPLICAS|MISCONF|BUSY)\b/;

/** What there is no room for: entries that wait for fan-out, or bytes in Redis. */
export type FullReason = 'backlog' | 'memory';

/** The partition takes no more events for now; nothing of the call was appended. Old events are never dropped for it. */
export class BacklogFullError extends Error {
  readonly code = 'BACKLOG_FULL';
  override readonly name = 'BacklogFullError';
  readonly partition: number;
  readonly reason: FullReason;
  /** Milliseconds to wait before repeating the call. */
  readonly retryAfterMs: number;

  constructor(partition: number, reason: FullReason, detail: string, options?: ErrorOptions) {
    super(`partition ${partition} takes no more events: ${detail}`, options);
    this.partition = partition;
    this.reason = reason;
    this.retryAfterMs = RETRY_AFTER_MS[reason];
  }
}

/** A backlog shrinks as fast as workers fan out; memory is freed by trimming, which takes its time. */
const RETRY_AFTER_MS: Readonly<Record<FullReason, number>> = { backlog: 1_000, memory: 5_000 };
