import { Backoff } from './backoff.ts';
import { RejoinError } from './errors.ts';
import type { ClientOptions } from './options.ts';

type Run = () => unknown;

/** Runs handlers one after the other, repeats what throws as often as was asked for, and reports what keeps throwing. */
export class HandlerRuns {
  readonly #options: ClientOptions;
  readonly #report: (error: RejoinError) => void;

  constructor(options: ClientOptions, report: (error: RejoinError) => void) {
    this.#options = options;
    this.#report = report;
  }

  /** @returns a promise only where a handler returned one, or is repeated; it never rejects */
  each(runs: readonly Run[], from = 0): void | Promise<void> {
    for (let index = from; index < runs.length; index += 1) {
      const { handlerAttempts = 1, backoff } = this.#options;
      const running = this.#try(runs[index] as Run, handlerAttempts, new Backoff(backoff));
      if (running) return running.then(() => this.each(runs, index + 1));
    }
  }

  #try(run: Run, attempts: number, backoff: Backoff): void | Promise<void> {
    const fail = (cause: unknown): void | Promise<void> => {
      if (attempts > 1)
        return new Promise((resolve) => setTimeout(resolve, backoff.next())).then(() =>
          this.#try(run, attempts - 1, backoff),
        );
      this.#report(new RejoinError('HANDLER_FAILED', { cause }));
    };
    try {
      const result = run() as PromiseLike<unknown> | null | undefined;
      if (typeof result?.then === 'function') return Promise.resolve(result).then(() => undefined, fail);
    } catch (cause) {
      return fail(cause);
    }
  }
}
