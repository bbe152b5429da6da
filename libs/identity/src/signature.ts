import type { Claims } from './claims.ts';

/**
 * Proves that a token was signed with a trusted key and is valid now. One implementation for each kind of key, each
 * accepting the algorithms of that kind alone, whatever the token's header asks for: a key that a header brings or points to
 * (`jwk`, `jku`, `x5c`, `x5u`) is not looked at.
 */
export interface SignatureVerifier {
  /** How long after its `exp` a token is still accepted, in milliseconds. */
  readonly clockToleranceMs: number;
  /**
   * @returns the token's claims; that `exp` is among them is not checked here
   * @throws AuthError `AUTH_INVALID`, or `AUTH_EXPIRED` where the signature is good and only the time is over
   * @throws KeysUnavailableError where the keys must be fetched and cannot be
   */
  verify(token: string): Promise<Claims>;
}

/** What a token must say besides being signed. */
export interface SignatureExpectations {
  /** Required value of `iss`; not looked at where absent. */
  readonly issuer?: string | undefined;
  /** Required among `aud`; not looked at where absent. */
  readonly audience?: string | undefined;
  /** How far the clocks of issuer and verifier may be apart, in milliseconds, for `exp` and `nbf`; 0 by default. */
  readonly clockToleranceMs?: number | undefined;
  /** Milliseconds since the Unix epoch; `Date.now` by default. */
  now?(this: void): number;
}

/**
 * The algorithms of public keys: RFC 7518, section 3.1, and RFC 8037, whose `EdDSA` is called `Ed25519` since RFC 9864. What a
 * key of them accepts depends on its kind and curve.
 */
export const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
export const EC_ALGORITHMS = ['ES256', 'ES384', 'ES512'] as const;
export const ED25519_ALGORITHMS = ['EdDSA', 'Ed25519'] as const;
