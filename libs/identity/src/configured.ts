import { InvalidConfigurationError } from '@rejoin/runtime';
import { MIN_SECRET_BYTES, SharedSecretVerifier } from './signature.ts';
import { TokenVerifier } from './token-verifier.ts';

/** The values of `tokenVariables`. */
export interface TokenConfiguration {
  readonly secret: string | undefined;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly tenantClaim: string;
}

/**
 * The verifier that a process's configuration asks for.
 * @param warn told what works but is not safe
 * @throws InvalidConfigurationError where no key is configured
 */
export function createTokenVerifier(
  { secret, issuer, audience, tenantClaim }: TokenConfiguration,
  warn: (message: string) => void,
): TokenVerifier {
  if (secret === undefined) {
    throw new InvalidConfigurationError([
      'JWT_SECRET is required: tokens cannot be checked without a key; for example JWT_SECRET=$(openssl rand -base64 48)',
    ]);
  }
  const bytes = Buffer.byteLength(secret);
  if (bytes < MIN_SECRET_BYTES) {
    warn(`JWT_SECRET has ${bytes} bytes; HS256 needs at least ${MIN_SECRET_BYTES} random bytes to resist guessing`);
  }
  return new TokenVerifier(new SharedSecretVerifier(secret, { issuer, audience }), { tenantClaim });
}
