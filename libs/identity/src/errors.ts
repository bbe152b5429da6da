/** Why a token was refused, as clients are told it. */
export type AuthErrorCode = 'AUTH_REQUIRED' | 'AUTH_INVALID' | 'AUTH_EXPIRED';

/** A token was refused. The message may be shown to whoever brought the token; `cause` may not. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly code: AuthErrorCode;

  constructor(code: AuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A token can be neither accepted nor refused, because the keys that say so cannot be fetched. The token may be good: whoever
 * brought it may come again. The message may be shown; `cause` may not.
 */
export class KeysUnavailableError extends Error {
  readonly code = 'KEYS_UNAVAILABLE';
  override readonly name = 'KeysUnavailableError';
  /** Milliseconds to wait before coming again. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number, options?: ErrorOptions) {
    super('the keys that tokens are checked with cannot be fetched now', options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** A URL did not answer with a key set: it is away, slow, or says something else. */
export class KeySetFetchError extends Error {
  readonly code = 'KEY_SET_FETCH_FAILED';
  override readonly name = 'KeySetFetchError';
}

/** A configured key cannot check tokens. The message completes "the key …". */
export class UnsuitableKeyError extends Error {
  readonly code = 'UNSUITABLE_KEY';
  override readonly name = 'UnsuitableKeyError';
}
