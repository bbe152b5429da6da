import type { WireCode } from '@rejoin/protocol';

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

interface Circumstances {
  /** In words; where they are absent the code and the cause must do. */
  readonly message?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

export class RejoinError extends Error {
  override readonly name = 'RejoinError';
  readonly code: ClientErrorCode;
  /** Whether it may go well when it is tried again. */
  readonly retryable: boolean;
  /** The gateway's wish, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ClientErrorCode, { cause, message, retryable = false, retryAfterMs }: Circumstances = {}) {
    super(message ?? (cause ? `${code}: ${cause as string}` : code), cause ? { cause } : undefined);
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** To be thrown by `token()` where there is nobody to sign in as: the client stops and says so, instead of trying again. */
export class UnauthorizedError extends Error {
  override readonly name = 'UnauthorizedError';
}

/** What may go well another time. */
export function passing(code: ClientErrorCode, cause?: unknown): RejoinError {
  return new RejoinError(code, { retryable: true, cause });
}

/** What the gateway, or another tab, said of a connection or a command. */
export function refused(refusal: Circumstances & Pick<RejoinError, 'code'>): RejoinError {
  return new RejoinError(refusal.code, refusal);
}

/** What was thrown, as one of ours. */
export function asRejoinError(error: unknown): RejoinError {
  return error instanceof RejoinError ? error : passing('CONNECTION_LOST', error);
}
