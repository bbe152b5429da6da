type Grant = (lock: { readonly name: string }) => Promise<void>;

interface Waiting {
  readonly name: string;
  readonly owner: string;
  run(): void;
}

/**
 * The part of the Web Locks API that is used here, which Node 20 lacks: exclusive locks, granted in the order of the requests.
 * Several tabs of a test live in one process, so a test says whose requests follow, and which tab dies.
 */
export class WebLocks {
  /** Owner of the requests that come next. */
  owner = '';
  #waiting: Waiting[] = [];
  #held = new Map<string, string>();

  request(name: string, { signal }: { readonly signal: AbortSignal }, grant: Grant): Promise<void> {
    return new Promise((resolve, reject) => {
      const owner = this.owner;
      const run = (): void => {
        this.#held.set(name, owner);
        void grant({ name }).then(() => {
          if (this.#held.get(name) === owner) this.#free(name);
          resolve();
        });
      };
      const request = { name, owner, run };
      signal.addEventListener('abort', () => {
        this.#waiting = this.#waiting.filter((other) => other !== request);
        reject(signal.reason as Error);
      });
      if (this.#held.has(name)) this.#waiting.push(request);
      else run();
    });
  }

  query(): Promise<{ readonly pending: readonly { readonly name: string }[] }> {
    return Promise.resolve({ pending: this.#waiting.map(({ name }) => ({ name })) });
  }

  /** The browser takes the locks of a tab that is gone. */
  kill(owner: string): void {
    this.#waiting = this.#waiting.filter((request) => request.owner !== owner);
    for (const [name, holder] of this.#held) if (holder === owner) this.#free(name);
  }

  #free(name: string): void {
    this.#held.delete(name);
    const next = this.#waiting.find((request) => request.name === name);
    if (!next) return;
    this.#waiting = this.#waiting.filter((request) => request !== next);
    next.run();
  }
}
