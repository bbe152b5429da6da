/** So many in a second, spread as they come; what is more is left out. */
export class SpanBudget {
  readonly #perSecond: number;
  #left = 0;
  #second = -1;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  take(nowMs = performance.now()): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#left = this.#perSecond;
    }
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
