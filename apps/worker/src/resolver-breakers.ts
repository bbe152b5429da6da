/** Failures in a row after which a resolver counts as down. */
const MAX_FAILURES = 5;
/** How long it is left alone then, in milliseconds; doubled with every probe that fails. */
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;
/** Event types whose resolver is remembered; publishers choose types, so their number needs a bound. */
const MAX_TYPES = 10_000;

interface Breaker {
  failures: number;
  restMs: number;
  /** Of `performance.now()`: until then nobody asks it. */
  restsUntilMs: number;
  /** Whether somebody asks it after its rest, and the others wait for what comes of that. */
  isProbed: boolean;
}

/**
 * Keeps a worker from waiting for resolvers that are down, since every wait holds up a partition's other tenants.
 *
 *     closed ──five failures in a row──▶ open ──rest is over──▶ one probe ──success──▶ closed
 *                                         ▲──────── failure, a longer rest ──┘
 *
 * Which resolver is asked for a type is learned from its failures.
 */
export class ResolverBreakers {
  readonly #breakers = new Map<string, Breaker>();
  readonly #resolverByType = new Map<string, string>();
  readonly #now: () => number;

  /** @param now a monotonic clock, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Resolvers that count as down now. */
  get open(): string[] {
    return [...this.#breakers].filter(([, { failures }]) => failures >= MAX_FAILURES).map(([name]) => name);
  }

  /** The resolver for events of a type that is not to be asked now; `null` where asking is fine. It counts as the probe. */
  restingFor(type: string): string | null {
    const name = this.#resolverByType.get(type);
    const breaker = name === undefined ? undefined : this.#breakers.get(name);
    if (name === undefined || !breaker || breaker.failures < MAX_FAILURES) return null;
    if (this.#now() < breaker.restsUntilMs) return name;
    // A probe that never ends is followed by another.
    breaker.restsUntilMs = this.#now() + breaker.restMs;
    breaker.isProbed = true;
    return null;
  }

  failed(type: string, resolver: string): void {
    if (this.#resolverByType.size >= MAX_TYPES) this.#resolverByType.clear();
    this.#resolverByType.set(type, resolver);
    const breaker = this.#breakers.get(resolver) ?? {
      failures: 0,
      restMs: FIRST_REST_MS,
      restsUntilMs: 0,
      isProbed: false,
    };
    this.#breakers.set(resolver, breaker);
    breaker.failures += 1;
    const opens = breaker.failures === MAX_FAILURES;
    // Others that were asked before it opened say nothing new.
    if (!opens && !breaker.isProbed) return;
    if (!opens) breaker.restMs = Math.min(LONGEST_REST_MS, breaker.restMs * 2);
    breaker.isProbed = false;
    breaker.restsUntilMs = this.#now() + breaker.restMs;
  }

  succeeded(type: string): void {
    const name = this.#resolverByType.get(type);
    if (name !== undefined) this.#breakers.delete(name);
  }
}
