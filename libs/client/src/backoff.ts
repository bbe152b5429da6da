export interface BackoffOptions {
  /** Longest wait before the first new attempt, in milliseconds; 500 by default. It doubles with each failure. */
  readonly minMs?: number;
  /** Longest wait at all, in milliseconds; 20,000 by default. */
  readonly maxMs?: number;
}

/**
 * Exponential backoff with full jitter: clients that lost one gateway together do not come back together.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ minMs = 500, maxMs = 20_000 }: BackoffOptions = {}, random = Math.random) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /**
   * How long to wait after one more failure, in milliseconds: never less than the gateway wishes, and beyond that at random, as it
   * wishes the same of many.
   */
  next(retryAfterMs = 0): number {
    const ceilingMs = Math.min(this.#maxMs, this.#minMs * 2 ** this.#failures);
    this.#failures += 1;
    return retryAfterMs + this.#random() * ceilingMs;
  }

  reset(): void {
    this.#failures = 0;
  }
}
