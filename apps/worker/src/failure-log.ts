import type { Logger } from '@rejoin/runtime';
import { classifyRedisFailure } from '@rejoin/streams';

/** How long a failure that keeps coming back is only counted, in milliseconds. */
const QUIET_MS = 30_000;

/** Logs what fails again and again: the first time, then now and then with how often it came back. */
export class FailureLog {
  readonly #logger: Logger;
  readonly #message: string;
  #text = '';
  #loggedAtMs = 0;
  #repeated = 0;

  /** @param message says what fails, and what becomes of it */
  constructor(logger: Logger, message: string) {
    this.#logger = logger;
    this.#message = message;
  }

  report(error: unknown, context: object = {}): void {
    const text = String(error);
    const nowMs = performance.now();
    if (text === this.#text && nowMs - this.#loggedAtMs < QUIET_MS) {
      this.#repeated += 1;
      return;
    }
    const fields = { ...context, ...(this.#repeated > 0 ? { repeated: this.#repeated } : {}) };
    // The stack of an unreachable Redis tells nothing; that of a defect tells where it is.
    if (classifyRedisFailure(error) === 'unexpected') this.#logger.error({ ...fields, err: error }, this.#message);
    else this.#logger.warn({ ...fields, reason: text }, this.#message);
    this.#text = text;
    this.#loggedAtMs = nowMs;
    this.#repeated = 0;
  }

  /** What failed works; the next failure is logged again. */
  recovered(): void {
    this.#text = '';
    this.#repeated = 0;
  }
}
