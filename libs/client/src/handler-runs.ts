import { Backoff, type BackoffOptions } from './backoff.ts';
import { RejoinError } from './errors.ts';

export type Run = () => unknown;

/** Runs handlers one after the other, repeats what throws as often as was asked for, and reports what keeps throwing. */
export class HandlerRuns {
  readonly #attempts: number;
  readonly #backoff: BackoffOptions | undefined;
  readonly #report: (error: RejoinError) => void;

  constructor(attempts: number, backoff: BackoffOptions | undefined, report: (error: RejoinError) => void) {
    this.#attempts = attempts;
    this.#backoff = backoff;
    this.#report = report;
  }

  /** @returns a promise only where a handler returned one, or is repeated; it never rejects */
  each(runs: readonly Run[], from = 0): void | Promise<void> {
    for (let index = from; index < runs.length; index += 1) {
      const running = this.#start(runs[index] as Run);
      if (running) return running.then(() => this.each(runs, index + 1));
    }
  }

  #start(run: Run): void | Promise<void> {
    try {
      const result = run();
      if (!isThenable(result)) return;
      return Promise.resolve(result).then(
        () => undefined,
        (error: unknown) => this.#repeat(run, error),
      );
    } catch (error) {
      return this.#repeat(run, error);
    }
  }

  #repeat(run: Run, cause: unknown): void | Promise<void> {
    if (this.#attempts > 1) return this.#again(run, cause);
    this.#fail(cause);
  }

  async #again(run: Run, first: unknown): Promise<void> {
    const backoff = new Backoff(this.#backoff);
    let cause = first;
    for (let attempt = 2; attempt <= this.#attempts; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      try {
        await run();
        return;
      } catch (error) {
        cause = error;
      }
    }
    this.#fail(cause);
  }

  #fail(cause: unknown): void {
    this.#report(new RejoinError('HANDLER_FAILED', 'a handler failed', { cause }));
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
