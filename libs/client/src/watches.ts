import { asRejoinError, type RejoinError } from './errors.ts';

type Command = (resource: string, verb: 'watch' | 'unwatch') => Promise<unknown>;

const ASK_AGAIN_MS = 1_000;

interface Watch {
  readonly holders: Set<string>;
  confirmed: boolean;
  /** Settles with the first answer. */
  readonly answered: Promise<void>;
  settle(error?: RejoinError): void;
}

/**
 * The resources that somebody here watches, and who does, kept true on the gateway: a connection names them in its handshake, and
 * what `rejoin:ready` then lists too much or too little is put right.
 */
export class Watches {
  readonly #command: Command;
  readonly #onLost: (error: RejoinError) => void;
  readonly #watches = new Map<string, Watch>();
  #live = false;

  /** @param onLost a resource may not be watched any more, after it was */
  constructor(command: Command, onLost: (error: RejoinError) => void) {
    this.#command = command;
    this.#onLost = onLost;
  }

  get resources(): string[] {
    return [...this.#watches.keys()];
  }

  /** Resolves when the gateway confirms it. */
  add(resource: string, holder: string): Promise<void> {
    const watch = this.#watches.get(resource) ?? this.#begin(resource);
    watch.holders.add(holder);
    return watch.answered;
  }

  /** @param holder all, where absent */
  remove(resource: string, holder?: string): void {
    const watch = this.#watches.get(resource);
    if (!watch) return;
    if (holder === undefined) watch.holders.clear();
    else watch.holders.delete(holder);
    if (watch.holders.size > 0) return;
    this.#watches.delete(resource);
    watch.settle();
    if (this.#live) this.#release(resource);
  }

  /** The connection is live and watches these. */
  reconcile(watching: readonly string[]): void {
    this.#live = true;
    for (const [resource, watch] of this.#watches) {
      if (watching.includes(resource)) confirm(watch);
      else this.#ask(resource, watch);
    }
    for (const resource of watching) if (!this.#watches.has(resource)) this.#release(resource);
  }

  /** The connection is gone; the next one reconciles. */
  suspend(): void {
    this.#live = false;
  }

  #begin(resource: string): Watch {
    let settle: Watch['settle'] = () => undefined;
    const answered = new Promise<void>((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve());
    });
    const watch: Watch = { holders: new Set(), confirmed: false, answered, settle };
    this.#watches.set(resource, watch);
    if (this.#live) this.#ask(resource, watch);
    return watch;
  }

  #ask(resource: string, watch: Watch): void {
    const isCurrent = (): boolean => this.#live && this.#watches.get(resource) === watch;
    this.#command(resource, 'watch').then(
      () => confirm(watch),
      (cause: unknown) => {
        if (!isCurrent()) return;
        const error = asRejoinError(cause);
        if (error.retryable) {
          setTimeout(() => isCurrent() && this.#ask(resource, watch), error.retryAfterMs ?? ASK_AGAIN_MS);
          return;
        }
        this.#watches.delete(resource);
        if (watch.confirmed) this.#onLost(error);
        else watch.settle(error);
      },
    );
  }

  #release(resource: string): void {
    this.#command(resource, 'unwatch').catch((cause: unknown) => {
      const error = asRejoinError(cause);
      if (!error.retryable) this.#onLost(error);
    });
  }
}

function confirm(watch: Watch): void {
  watch.confirmed = true;
  watch.settle();
}
