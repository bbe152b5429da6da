import type { Attempts } from '@rejoin/streams';

const FIRST_DELAY_MS = 1_000;
const FACTOR = 4;
const LONGEST_DELAY_MS = 300_000;
/** What part of a delay is random, so that events that failed together are not all tried together. */
const JITTER = 0.2;

/** When an event that failed for now is tried again: after 1, 4, 16, 64, 256 seconds, then every five minutes. */
export class RetryPolicy {
  readonly maxAttempts: number;
  readonly #firstDelayMs: number;

  /**
   * @param maxAttempts of one round: a redrive begins another
   * @param firstDelayMs 1,000 by default
   */
  constructor(maxAttempts: number, firstDelayMs = FIRST_DELAY_MS) {
    this.maxAttempts = maxAttempts;
    this.#firstDelayMs = firstDelayMs;
  }

  /** Milliseconds until the next attempt after these, which failed; `null` where they were the last. */
  delayMs(attempts: Attempts): number | null {
    return attempts.attempt - attempts.round + 1 >= this.maxAttempts ? null : this.#nextDelayMs(attempts);
  }

  /**
   * Milliseconds until an event is taken up again whose next attempt was not made, since it could only have failed. That costs it
   * no attempt. But it must not go round for ever: `null` where it was put aside so as often as it may be tried.
   */
  postponementMs(attempts: Attempts): number | null {
    return (attempts.postponed ?? 0) >= this.maxAttempts ? null : this.#nextDelayMs(attempts);
  }

  /** Longer with each time that the event was put aside in this round, for whatever reason. */
  #nextDelayMs({ attempt, round, postponed = 0 }: Attempts): number {
    const delayMs = Math.min(LONGEST_DELAY_MS, this.#firstDelayMs * FACTOR ** (attempt - round + postponed));
    return Math.round(delayMs * (1 - JITTER / 2 + Math.random() * JITTER));
  }
}
