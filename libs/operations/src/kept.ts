/** An answer is kept so many times as long as getting it took. */
const TIMES = 100;
const MAX_MS = 10_000;

/**
 * An answer that many ask for and that costs something: what was found is kept for a hundred times as long as it took, ten seconds
 * at most. So getting it takes no more than a hundredth of the time however many ask, and what costs little is always new.
 */
export class Kept<T> {
  readonly #look: () => Promise<T>;
  readonly #isWorthKeeping: (answer: T) => boolean;
  #answer: Promise<T> | undefined;
  #untilMs = Number.POSITIVE_INFINITY;

  /** @param isWorthKeeping whether an answer is kept at all; any by default */
  constructor(look: () => Promise<T>, isWorthKeeping: (answer: T) => boolean = () => true) {
    this.#look = look;
    this.#isWorthKeeping = isWorthKeeping;
  }

  /** @throws what looking throws, which is not kept */
  get(): Promise<T> {
    if (this.#answer === undefined || performance.now() >= this.#untilMs) this.#answer = this.#begin();
    return this.#answer;
  }

  async #begin(): Promise<T> {
    const startedAtMs = performance.now();
    // Whoever asks meanwhile gets this one.
    this.#untilMs = Number.POSITIVE_INFINITY;
    try {
      const answer = await this.#look();
      const endedAtMs = performance.now();
      const keptMs = this.#isWorthKeeping(answer) ? Math.min(MAX_MS, TIMES * (endedAtMs - startedAtMs)) : 0;
      this.#untilMs = endedAtMs + keptMs;
      return answer;
    } catch (error) {
      this.#untilMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }
}
