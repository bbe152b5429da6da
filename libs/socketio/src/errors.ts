import { type Refusal, refusal, type WireCode } from '@rejoin/protocol';

/**
 * A connection or a request that is refused. Thrown by the ports of a gateway (`authenticate`), and turned into a
 * `connect_error` whose `data` is a {@link Refusal}.
 */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: WireCode;
  /** What the client sees. */
  readonly data: Refusal;

  /** @param retryAfterMs milliseconds to wait before coming back; only for retryable codes */
  constructor(code: WireCode, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.data = refusal(code, options.retryAfterMs);
  }
}
