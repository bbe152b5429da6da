import type { Refusal, WireCode } from '@rejoin/protocol';

/** Why the client is not connected, or why a command failed: a code of the gateway, or one of these. */
export type ClientErrorCode =
  | WireCode
  /** The connection could not be opened, or ended without a word of the gateway. */
  | 'CONNECTION_LOST'
  /** No answer in time. */
  | 'TIMEOUT'
  /** `token()` failed. */
  | 'TOKEN_FAILED'
  /** A handler threw; `cause` is what it threw. */
  | 'HANDLER_FAILED'
  /** The cursor store threw; `cause` is what it threw. */
  | 'STORE_FAILED'
  /** An event came that is older than one before it on the same connection. It was dropped. */
  | 'OUT_OF_ORDER'
  /** Handlers are too slow for what arrives: the connection is given up until they have caught up. */
  | 'BACKLOG_FULL'
  /** `disconnect()` or `close()` was called. */
  | 'CLOSED';

export class RejoinError extends Error {
  override readonly name = 'RejoinError';
  readonly code: ClientErrorCode;
  /** Whether it may go well when it is tried again. */
  readonly retryable: boolean;
  /** The gateway's wish, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ClientErrorCode,
    message: string,
    options: {
      readonly retryable?: boolean;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** To be thrown by `token()` where there is nobody to sign in as: the client stops and says so, instead of trying again. */
export class UnauthorizedError extends Error {
  override readonly name = 'UnauthorizedError';
}

/** What the gateway said of a connection or a command. */
export function refused({ code, retryable, retryAfterMs, message }: Refusal & { message?: string }): RejoinError {
  return new RejoinError(code, message ?? code, { retryable, retryAfterMs });
}

/** What was thrown, as one of ours; anything else may go well another time. */
export function asRejoinError(error: unknown): RejoinError {
  return error instanceof RejoinError
    ? error
    : new RejoinError('CONNECTION_LOST', 'it failed here', { retryable: true, cause: error });
}
