import {
  type CryptoKey,
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from 'jose';
import { KeySetFetchError, KeysUnavailableError } from './errors.ts';
import { fetchKeySet } from './key-set-fetch.ts';

export interface RemoteKeySetOptions {
  /** After so long keys are fetched again while they go on being used, in milliseconds; 10 minutes by default. */
  readonly refreshAfterMs?: number;
  /**
   * For so long keys are used where they cannot be fetched again, in milliseconds; 4 hours by default. Longer, a key that its
   * issuer withdrew would go on opening doors; shorter, an outage would close them to good tokens.
   */
  readonly maxAgeMs?: number;
  /**
   * Least time between a fetch that succeeded and the next, in milliseconds; 10 seconds by default. It is the longest that a
   * key which tokens use at the very moment it is published may be unknown, and bounds what strangers' tokens can cause.
   */
  readonly cooldownMs?: number;
  /** For a whole answer, in milliseconds; 5 seconds by default. */
  readonly timeoutMs?: number;
  /** Milliseconds of a clock that is never set back; `performance.now` by default. */
  now?(this: void): number;
  /** Told of each fetch that failed. */
  onFailure?(this: void, error: KeySetFetchError): void;
}

/** Waiting between fetches that fail grows from the first to the second, in milliseconds. */
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

interface HeldKeys {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  /** Of keys that can be used. */
  readonly count: number;
  readonly fetchedAt: number;
}

/**
 * The public keys at a URL (RFC 7517), fetched when they are first needed, found by a token's `kid`, and fetched again when
 * they are old or a token names one that is not there. At most one fetch is under way, and the next waits for a cooldown, or
 * after failures for a growing time: so tokens, whoever sends them, cannot make more than a bounded number of requests.
 *
 * A server that is away changes nothing while the keys are not too old: tokens of known keys are good, others are not
 * accepted. `jose`'s own `createRemoteJWKSet` refuses all of them once its cache is stale, and reads answers of any size.
 */
export class RemoteKeySet {
  readonly #url: string;
  readonly #settings: Required<RemoteKeySetOptions>;
  #held: HeldKeys | undefined;
  #fetching: Promise<void> | undefined;
  #notBefore = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #lastFailure: KeySetFetchError | undefined;

  constructor(url: string, options: RemoteKeySetOptions = {}) {
    this.#url = url;
    this.#settings = {
      refreshAfterMs: options.refreshAfterMs ?? 600_000,
      maxAgeMs: options.maxAgeMs ?? 4 * 3_600_000,
      cooldownMs: options.cooldownMs ?? 10_000,
      timeoutMs: options.timeoutMs ?? 5_000,
      now: options.now ?? (() => performance.now()),
      onFailure: options.onFailure ?? (() => undefined),
    };
  }

  /**
   * The one key that the header's `kid` and `alg` fit. A key accepts the algorithms of its own kind and curve, and only its
   * `alg` where it has one. Without a `kid` there must be exactly one that fits.
   * @throws KeysUnavailableError where no key was ever fetched, all are too old or withdrawn, or one is not known while the
   * server is away
   * @throws JOSEError where no key fits, or several do
   */
  async find(header: JWSHeaderParameters): Promise<CryptoKey> {
    let held = this.#usable();
    if (!held) {
      await this.#refetch();
      held = this.#usable();
      if (!held) throw this.#unavailable();
    } else if (this.#settings.now() - held.fetchedAt >= this.#settings.refreshAfterMs) {
      void this.#refetch();
    }
    try {
      return await held.find(header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await this.#refetch();
    held = this.#usable();
    if (!held || this.#lastFailure) throw this.#unavailable();
    return held.find(header);
  }

  #usable(): HeldKeys | undefined {
    const held = this.#held;
    const usable = held && held.count > 0 && this.#settings.now() - held.fetchedAt < this.#settings.maxAgeMs;
    return usable ? held : undefined;
  }

  #unavailable(): KeysUnavailableError {
    const waitMs = Math.max(FIRST_RETRY_MS, this.#notBefore - this.#settings.now());
    // Who was refused meanwhile shall not come back all at one moment.
    return new KeysUnavailableError(Math.ceil(waitMs * (1 + Math.random())), { cause: this.#lastFailure });
  }

  /** Fetches, unless it is too early; where a fetch is under way, waits for that one. Never rejects. */
  async #refetch(): Promise<void> {
    if (!this.#fetching) {
      if (this.#settings.now() < this.#notBefore) return;
      this.#fetching = this.#fetch().finally(() => {
        this.#fetching = undefined;
      });
    }
    await this.#fetching;
  }

  async #fetch(): Promise<void> {
    const { now, timeoutMs, cooldownMs, onFailure } = this.#settings;
    try {
      const keys = keysIn(await fetchKeySet(this.#url, timeoutMs));
      this.#held = { find: createLocalJWKSet({ keys }), count: keys.length, fetchedAt: now() };
      this.#failures = 0;
      this.#lastFailure = undefined;
      this.#notBefore = now() + cooldownMs;
    } catch (error) {
      this.#failures += 1;
      this.#lastFailure =
        error instanceof KeySetFetchError
          ? error
          : new KeySetFetchError('the key set cannot be used', { cause: error });
      const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
      // Gateways that lost the server at the same moment shall not come back to it at the same moment.
      this.#notBefore = now() + ceiling * (0.5 + Math.random() / 2);
      onFailure(this.#lastFailure);
    }
  }
}

/**
 * The public keys of a set that can check signatures. Others are passed over, as RFC 7517, section 5 has it; secrets and
 * private keys, which have no business at a public address, are not used either.
 */
function keysIn(document: unknown): JWK[] {
  const keys = (document as JSONWebKeySet | null)?.keys as unknown;
  if (!Array.isArray(keys)) throw new KeySetFetchError('the answer is not a key set: it has no list "keys"');
  return keys.filter(
    (key: JWK | null): key is JWK =>
      typeof key === 'object' &&
      key !== null &&
      ['RSA', 'EC', 'OKP'].includes(key.kty ?? '') &&
      !Object.hasOwn(key, 'd'),
  );
}
