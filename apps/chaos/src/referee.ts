export type Guarantee = 'G1' | 'G2' | 'G3' | 'G4' | 'G5' | 'G6' | 'G7' | 'G8' | 'G9';

/** What was seen to be broken, and by what it can be told. */
export interface Breach {
  readonly guarantee: Guarantee;
  /** In words. */
  readonly what: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Keeps the first broken guarantee of a run, and what was done to the system before. */
export class Referee {
  readonly #whenBroken = new AbortController();
  readonly #faults: string[] = [];
  #breach: Breach | undefined;

  /** Aborted when a guarantee is broken. */
  get broken(): AbortSignal {
    return this.#whenBroken.signal;
  }

  get breach(): Breach | undefined {
    return this.#breach;
  }

  /** The last things that were done, the latest last. */
  get lastFaults(): readonly string[] {
    return this.#faults.slice(-12);
  }

  noteFault(text: string): void {
    this.#faults.push(text);
  }

  /** Only the first counts: later ones may follow from it. */
  report(guarantee: Guarantee, what: string, evidence: Breach['evidence'] = {}): void {
    if (this.#breach) return;
    this.#breach = { guarantee, what, evidence: { ...evidence, faults: this.lastFaults } };
    this.#whenBroken.abort();
  }
}
