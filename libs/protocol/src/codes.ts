/** What a refusal, a closing or a failed command says, and whether coming back by itself makes sense for a client. */
export const WIRE_CODES = {
  AUTH_REQUIRED: { retryable: false },
  AUTH_INVALID: { retryable: false },
  /** Refresh the token first, then reconnect. */
  AUTH_EXPIRED: { retryable: false },
  AUTH_REVOKED: { retryable: false },
  ORIGIN_FORBIDDEN: { retryable: false },
  RATE_LIMITED: { retryable: true },
  OVERLOADED: { retryable: true },
  DRAINING: { retryable: true },
  SLOW_CONSUMER: { retryable: true },
  /** Acknowledgements only. */
  FORBIDDEN: { retryable: false },
  INVALID_PAYLOAD: { retryable: false },
  UNKNOWN_COMMAND: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type WireCode = keyof typeof WIRE_CODES;

/** The `data` of a `connect_error`, and the argument of `rejoin:closing`. */
export interface Refusal {
  readonly code: WireCode;
  readonly retryable: boolean;
  /** Milliseconds to wait before coming back; present where `retryable` is true and the server has a wish. */
  readonly retryAfterMs?: number;
}

export function refusal(code: WireCode, retryAfterMs?: number): Refusal {
  const { retryable } = WIRE_CODES[code];
  return retryAfterMs === undefined ? { code, retryable } : { code, retryable, retryAfterMs };
}
