import type { KeyObject } from 'node:crypto';
import { type CryptoKey, errors, type JWSHeaderParameters, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Claims } from './claims.ts';
import { AuthError, KeysUnavailableError } from './errors.ts';
import type { SignatureExpectations, SignatureVerifier } from './signature.ts';

/** Finds the public key that a token's header asks for; only from keys that are trusted already. */
export type KeyFinder = (header: JWSHeaderParameters) => KeyObject | Promise<CryptoKey>;

/** Proves signatures of public keys that are chosen for each token, or that `@nestjs/jwt` does not know. */
export class JoseVerifier implements SignatureVerifier {
  readonly clockToleranceMs: number;
  readonly #findKey: KeyFinder;
  readonly #options: JWTVerifyOptions;
  readonly #now: () => number;

  /**
   * @param findKey may throw KeysUnavailableError
   * @param algorithms that tokens may be signed with at all; each key accepts those of its own kind
   */
  constructor(
    findKey: KeyFinder,
    algorithms: readonly string[],
    { issuer, audience, clockToleranceMs = 0, now = Date.now }: SignatureExpectations,
  ) {
    this.clockToleranceMs = clockToleranceMs;
    this.#findKey = findKey;
    this.#now = now;
    this.#options = {
      algorithms: [...algorithms],
      clockTolerance: clockToleranceMs / 1_000,
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    };
  }

  async verify(token: string): Promise<Claims> {
    try {
      const currentDate = new Date(this.#now());
      const findKey = async (header: JWSHeaderParameters): Promise<KeyObject | CryptoKey> => {
        // jose understands one extension, "b64", which has no place in a JWT.
        if ('crit' in header) throw new errors.JOSENotSupported('its header demands extensions');
        return this.#findKey(header);
      };
      const { payload } = await jwtVerify(token, findKey, { ...this.#options, currentDate });
      return payload;
    } catch (cause) {
      if (cause instanceof KeysUnavailableError) throw cause;
      throw refused(cause);
    }
  }
}

function refused(cause: unknown): AuthError {
  if (cause instanceof errors.JWTExpired) return new AuthError('AUTH_EXPIRED', 'the token has expired', { cause });
  // What jose says of a token names no expected value; other errors come out of decoding and say nothing to whoever brought it.
  const reason = cause instanceof errors.JOSEError ? cause.message : 'malformed';
  return new AuthError('AUTH_INVALID', `the token is not valid: ${reason}`, { cause });
}
