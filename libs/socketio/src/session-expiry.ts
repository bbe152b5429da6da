/** How long before a token's end its client is warned, in milliseconds. */
const EXPIRY_WARNING_MS = 60_000;
/**
 * Longest wait of one timer, in milliseconds. Node keeps a list for every length of wait; so the connections of all tokens that end later
 * are in one, not each in one of its own.
 */
const MAX_TIMER_MS = 60_000;

export interface SessionExpiryListener {
  /** The token ends in `expiresInMs`. */
  onExpiring(expiresInMs: number): void;
  onExpired(): void;
}

/** Watches the end of one connection's token; a fresh token sets a new end. */
export class SessionExpiry {
  readonly #listener: SessionExpiryListener;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #warned = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(listener: SessionExpiryListener) {
    this.#listener = listener;
  }

  /** @param expiresAtMs milliseconds since the Unix epoch */
  set(expiresAtMs: number): void {
    this.#expiresAtMs = expiresAtMs;
    this.#warned = false;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const nextMs = this.#expiresAtMs - Date.now() - (this.#warned ? 0 : EXPIRY_WARNING_MS);
    this.#timer = setTimeout(() => this.#check(), Math.min(Math.max(0, nextMs), MAX_TIMER_MS));
  }

  #check(): void {
    const leftMs = this.#expiresAtMs - Date.now();
    if (leftMs <= 0) {
      this.#listener.onExpired();
      return;
    }
    if (!this.#warned && leftMs <= EXPIRY_WARNING_MS) {
      this.#warned = true;
      this.#listener.onExpiring(leftMs);
    }
    this.#schedule();
  }
}
