import type { KeyObject } from 'node:crypto';
import { JwtService, type JwtVerifyOptions } from '@nestjs/jwt';
import type { Claims } from './claims.ts';
import { AuthError } from './errors.ts';
import type { SignatureExpectations, SignatureVerifier } from './signature.ts';

/** Proves signatures of the families HS, RS, PS and ES by one key. */
export class NestJwtVerifier implements SignatureVerifier {
  readonly clockToleranceMs: number;
  readonly #jwt: JwtService;
  readonly #options: JwtVerifyOptions;
  readonly #now: () => number;

  /**
   * @param key secret or public
   * @param algorithms that tokens may be signed with; they must all be of the key's own kind
   */
  constructor(
    key: KeyObject,
    algorithms: readonly string[],
    { issuer, audience, clockToleranceMs = 0, now = Date.now }: SignatureExpectations,
  ) {
    this.clockToleranceMs = clockToleranceMs;
    this.#now = now;
    // As a key object, jsonwebtoken need not try for each token whether the text is a public key.
    this.#jwt = new JwtService({ secret: key });
    this.#options = {
      algorithms: [...algorithms] as NonNullable<JwtVerifyOptions['algorithms']>,
      clockTolerance: clockToleranceMs / 1_000,
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    };
  }

  async verify(token: string): Promise<Claims> {
    requireNoExtensions(token);
    let claims: unknown;
    try {
      const clockTimestamp = Math.floor(this.#now() / 1_000);
      claims = await this.#jwt.verifyAsync<Record<string, unknown>>(token, { ...this.#options, clockTimestamp });
    } catch (cause) {
      throw refused(cause);
    }
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
      throw new AuthError('AUTH_INVALID', 'the token does not hold claims');
    }
    return claims as Claims;
  }
}

/**
 * jsonwebtoken passes over `crit`, which names extensions that must be understood or the token refused; none is understood.
 * @see https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11
 */
function requireNoExtensions(token: string): void {
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(token.split('.', 1)[0] as string, 'base64url').toString());
  } catch (cause) {
    throw new AuthError('AUTH_INVALID', 'the token is not valid: malformed', { cause });
  }
  if (typeof header === 'object' && header !== null && 'crit' in header) {
    throw new AuthError('AUTH_INVALID', 'the token is not valid: its header demands extensions');
  }
}

function refused(cause: unknown): AuthError {
  const { name, message } = cause as Error;
  if (name === 'TokenExpiredError') return new AuthError('AUTH_EXPIRED', 'the token has expired', { cause });
  // Other errors come out of decoding and say nothing to whoever brought the token; an expected issuer is not for them.
  const reason =
    name === 'JsonWebTokenError' || name === 'NotBeforeError' ? message.split('. expected')[0] : 'malformed';
  return new AuthError('AUTH_INVALID', `the token is not valid: ${reason}`, { cause });
}
