/** Runs an action at most once in `intervalMs`: later, where it was asked for since. */
export class Throttle {
  readonly #action: () => void;
  readonly #intervalMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(action: () => void, intervalMs: number) {
    this.#action = action;
    this.#intervalMs = intervalMs;
  }

  request(): void {
    this.#timer ??= setTimeout(() => this.flush(), this.#intervalMs);
  }

  /** Runs it now where it was asked for. */
  flush(): void {
    if (this.#timer === undefined) return;
    this.cancel();
    this.#action();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
