/** How long before a token's end its client is warned, in milliseconds. */
const EXPIRY_WARNING_MS = 60_000;

/**
 * Watches the end of one connection's token; a fresh token sets a new end. It is asked from time to time and has no timer, which would
 * take half a kilobyte of every connection.
 */
export class SessionExpiry {
  #expiresAtMs: number;
  #warned = false;

  /** @param expiresAtMs milliseconds since the Unix epoch */
  constructor(expiresAtMs: number) {
    this.#expiresAtMs = expiresAtMs;
  }

  set(expiresAtMs: number): void {
    this.#expiresAtMs = expiresAtMs;
    this.#warned = false;
  }

  /** What is due now; `expiring` is said once for each end. */
  due(nowMs: number): 'nothing' | 'expiring' | 'expired' {
    if (nowMs >= this.#expiresAtMs) return 'expired';
    if (this.#warned || this.leftMs(nowMs) > EXPIRY_WARNING_MS) return 'nothing';
    this.#warned = true;
    return 'expiring';
  }

  leftMs(nowMs: number): number {
    return this.#expiresAtMs - nowMs;
  }
}
