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

  /** Milliseconds until the next attempt after these; `null` where they were the last. */
  delayMs({ attempt, round }: Attempts): number | null {
    const failures = attempt - round + 1;
    if (failures >= this.maxAttempts) return null;
    const delayMs = Math.min(LONGEST_DELAY_MS, this.#firstDelayMs * FACTOR ** (failures - 1));
    return Math.round(delayMs * (1 - JITTER / 2 + Math.random() * JITTER));
  }
}
