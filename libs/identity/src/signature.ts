import { createSecretKey } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import type { Claims } from './claims.ts';
import { AuthError } from './errors.ts';

/**
 * Proves that a token was signed with a trusted key and is valid now. One implementation for each kind of key, each
 * accepting the algorithms of that kind alone, whatever the token's header asks for.
 */
export interface SignatureVerifier {
  /**
   * @returns the token's claims; that `exp` is among them is not checked here
   * @throws AuthError `AUTH_INVALID`, or `AUTH_EXPIRED` where the signature is good and only the time is over
   */
  verify(token: string): Promise<Claims>;
}

/** What a token must say besides being signed. */
export interface SignatureExpectations {
  /** Required value of `iss`; not looked at where absent. */
  readonly issuer?: string | undefined;
  /** Required among `aud`; not looked at where absent. */
  readonly audience?: string | undefined;
}

/** Bytes that HS256 needs at least to be as strong as its hash: RFC 7518, section 3.2. */
export const MIN_SECRET_BYTES = 32;

/** HS256 with a shared secret. */
export class SharedSecretVerifier implements SignatureVerifier {
  readonly #jwt: JwtService;

  /** @param secret used as its UTF-8 bytes */
  constructor(secret: string, { issuer, audience }: SignatureExpectations = {}) {
    this.#jwt = new JwtService({
      // As a key object, jsonwebtoken need not try for each token whether the text is a public key.
      secret: createSecretKey(secret, 'utf8'),
      verifyOptions: {
        algorithms: ['HS256'],
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      },
    });
  }

  async verify(token: string): Promise<Claims> {
    let claims: unknown;
    try {
      claims = await this.#jwt.verifyAsync<Record<string, unknown>>(token);
    } catch (cause) {
      throw refused(cause);
    }
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
      throw new AuthError('AUTH_INVALID', 'the token does not hold claims');
    }
    return claims as Claims;
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
