/**
 * The right to act for one partition, for as long as it can be renewed.
 *
 *     held ──yield()──▶ held, yielding ──▶ ended (given back)
 *       └───────────────────┴──────lose()─▶ ended (lost)
 *
 * Whoever works under it finishes the batch at hand when `yielding` is aborted, and stops acting at once when `ended` is.
 * Scripts check the token again, so a holder that was paused and does not know of its end does no harm.
 */
export class PartitionLease {
  readonly partition: number;
  /** Fencing token: compared for equality by every script that acts for the partition. */
  readonly token: string;
  /** Aborted when the work shall come to an end: the batch at hand is finished, no other is begun. */
  readonly yielding: AbortSignal;
  /** Aborted when the lease is no longer held; nothing may be done under it any more. */
  readonly ended: AbortSignal;
  readonly #yielding = new AbortController();
  readonly #ended = new AbortController();
  #validUntilMs: number;

  /** @param validUntilMs of `performance.now()`, counted from before the lease was requested */
  constructor(partition: number, token: string, validUntilMs: number) {
    this.partition = partition;
    this.token = token;
    this.yielding = this.#yielding.signal;
    this.ended = this.#ended.signal;
    this.#validUntilMs = validUntilMs;
  }

  /**
   * Whether the lease is held by this process' own monotonic clock. Redis may know better; it never thinks that it is held
   * for longer.
   */
  get held(): boolean {
    return !this.#ended.signal.aborted && performance.now() < this.#validUntilMs;
  }

  /** Asks whoever works under the lease to come to an end. Idempotent. */
  yield(): void {
    this.#yielding.abort();
  }

  /** Records that the lease is over. Idempotent. */
  end(): void {
    this.#yielding.abort();
    this.#ended.abort();
  }

  /** Records a renewal that was requested at a time for which it holds until `validUntilMs`. */
  prolong(validUntilMs: number): void {
    this.#validUntilMs = Math.max(this.#validUntilMs, validUntilMs);
  }
}
