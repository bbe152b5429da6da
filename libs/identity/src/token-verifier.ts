import { type Claims, principalOf } from './claims.ts';
import { AuthError } from './errors.ts';
import type { Principal } from './principal.ts';
import type { SignatureVerifier } from './signature.ts';

/** Longest token that is looked at, in characters; proxies refuse longer headers too. */
export const MAX_TOKEN_CHARACTERS = 8_192;

/** Turns a bearer token into the principal it stands for, or refuses it. */
export class TokenVerifier {
  readonly #signature: SignatureVerifier;
  readonly #tenantClaim: string;

  /** @param tenantClaim name of the claim that holds the tenant; `tenant_id` by default */
  constructor(signature: SignatureVerifier, { tenantClaim = 'tenant_id' }: { readonly tenantClaim?: string } = {}) {
    this.#signature = signature;
    this.#tenantClaim = tenantClaim;
  }

  /**
   * @param token whatever a client sent
   * @throws AuthError `AUTH_REQUIRED` without a token, `AUTH_EXPIRED`, or `AUTH_INVALID`
   * @throws KeysUnavailableError where that cannot be told now
   */
  async verify(token: unknown): Promise<Principal> {
    if (token === undefined || token === null || token === '') {
      throw new AuthError('AUTH_REQUIRED', 'a token is required');
    }
    if (typeof token !== 'string') throw new AuthError('AUTH_INVALID', 'the token must be text');
    if (token.length > MAX_TOKEN_CHARACTERS) {
      throw new AuthError('AUTH_INVALID', `the token is longer than ${MAX_TOKEN_CHARACTERS} characters`);
    }
    const claims: Claims = await this.#signature.verify(token);
    const principal = principalOf(claims, this.#tenantClaim);
    // A token that opens a connection keeps it open for as long as it would open another.
    return { ...principal, expiresAtMs: principal.expiresAtMs + this.#signature.clockToleranceMs };
  }
}
