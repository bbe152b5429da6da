interface Waiting {
  run(): void;
}

/**
 * Runs tasks a few at a time, taking turns between their owners: whoever has a thousand waiting delays another owner's
 * next task by one turn, not by a thousand.
 */
export class FairQueue {
  readonly #concurrency: number;
  readonly #byOwner = new Map<string, Waiting[]>();
  #running = 0;

  /** @param concurrency tasks that run at once */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Resolves or rejects as the task does. */
  async run<Value>(owner: string, task: () => Promise<Value>): Promise<Value> {
    if (this.#running >= this.#concurrency) await this.#turn(owner);
    else this.#running += 1;
    try {
      return await task();
    } finally {
      this.#next();
    }
  }

  #turn(owner: string): Promise<void> {
    return new Promise((resolve) => {
      const queue = this.#byOwner.get(owner);
      if (queue) queue.push({ run: resolve });
      else this.#byOwner.set(owner, [{ run: resolve }]);
    });
  }

  /** Hands the place of a task that ended to the next owner; the owner then goes to the end of the line. */
  #next(): void {
    const [owner, queue] = this.#byOwner.entries().next().value ?? [];
    if (owner === undefined || queue === undefined) {
      this.#running -= 1;
      return;
    }
    const waiting = queue.shift();
    this.#byOwner.delete(owner);
    if (queue.length > 0) this.#byOwner.set(owner, queue);
    waiting?.run();
  }
}
