import { InvalidConfigurationError, tokenKeyProblems } from '@rejoin/runtime';
import { UnsuitableKeyError } from './errors.ts';
import { keySetVerifier } from './key-set-verifier.ts';
import { publicKeyVerifier } from './public-key.ts';
import { MIN_SECRET_BYTES, SharedSecretVerifier } from './shared-secret.ts';
import type { SignatureExpectations, SignatureVerifier } from './signature.ts';
import { TokenVerifier } from './token-verifier.ts';

/** The values of `tokenVariables`. */
export interface TokenConfiguration {
  readonly secret: string | undefined;
  /** PEM. */
  readonly publicKey: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  readonly tenantClaim: string;
  readonly clockToleranceMs: number;
}

/**
 * The verifier that a process's configuration asks for.
 * @param warn told what works but is not safe, and each time that the keys at `JWT_JWKS_URL` cannot be fetched
 * @throws InvalidConfigurationError where no key is configured, more than one is, or one cannot be used
 */
export function createTokenVerifier(configuration: TokenConfiguration, warn: (message: string) => void): TokenVerifier {
  const problems = tokenKeyProblems(configuration);
  if (problems.length > 0) throw new InvalidConfigurationError(problems);
  return new TokenVerifier(signatureVerifier(configuration, warn), configuration);
}

function signatureVerifier(
  { secret, publicKey, jwksUrl, ...expectations }: TokenConfiguration,
  warn: (message: string) => void,
): SignatureVerifier {
  if (secret !== undefined) return bySecret(secret, expectations, warn);
  if (publicKey !== undefined) return byPublicKey(publicKey, expectations);
  if (jwksUrl !== undefined) return byKeySet(jwksUrl, expectations, warn);
  throw new InvalidConfigurationError([
    'JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL is required: tokens cannot be checked without a key; ' +
      'for example JWT_SECRET=$(openssl rand -base64 48)',
  ]);
}

function bySecret(
  secret: string,
  expectations: SignatureExpectations,
  warn: (message: string) => void,
): SignatureVerifier {
  const bytes = Buffer.byteLength(secret);
  if (bytes < MIN_SECRET_BYTES) {
    warn(`JWT_SECRET has ${bytes} bytes; HS256 needs at least ${MIN_SECRET_BYTES} random bytes to resist guessing`);
  }
  return new SharedSecretVerifier(secret, expectations);
}

function byPublicKey(pem: string, expectations: SignatureExpectations): SignatureVerifier {
  try {
    return publicKeyVerifier(pem, expectations);
  } catch (error) {
    if (!(error instanceof UnsuitableKeyError)) throw error;
    throw new InvalidConfigurationError([
      `JWT_PUBLIC_KEY: the key ${error.message}; for example JWT_PUBLIC_KEY=/etc/rejoin/jwt-public.pem`,
    ]);
  }
}

function byKeySet(
  url: string,
  expectations: SignatureExpectations,
  warn: (message: string) => void,
): SignatureVerifier {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !LOOPBACK.test(hostname)) {
    warn('JWT_JWKS_URL is not https: whoever can change what it answers on the way can make tokens');
  }
  return keySetVerifier(url, expectations, {
    onFailure: (error) => warn(`JWT_JWKS_URL: the keys cannot be fetched: ${error.message}`),
  });
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
