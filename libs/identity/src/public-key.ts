import { createPublicKey, type KeyObject } from 'node:crypto';
import { UnsuitableKeyError } from './errors.ts';
import { JoseVerifier } from './jose-verifier.ts';
import { NestJwtVerifier } from './nest-jwt-verifier.ts';
import { ED25519_ALGORITHMS, RSA_ALGORITHMS, type SignatureExpectations, type SignatureVerifier } from './signature.ts';

/** RFC 7518, sections 3.3 and 3.5. */
const MIN_RSA_BITS = 2_048;

/** Each curve has one algorithm (RFC 7518, section 3.4). OpenSSL's names. */
const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/**
 * RS and PS with an RSA key, ES256, ES384 or ES512 with an EC key of that curve, EdDSA with an Ed25519 key.
 * @param pem a public key or an X.509 certificate, whose dates and issuer are not looked at
 * @throws UnsuitableKeyError
 */
export function publicKeyVerifier(pem: string, expectations: SignatureExpectations = {}): SignatureVerifier {
  const key = readPublicKey(pem);
  if (key.asymmetricKeyType === 'ed25519') {
    return new JoseVerifier(() => key, ED25519_ALGORITHMS, expectations);
  }
  return new NestJwtVerifier(key, algorithmsOf(key), expectations);
}

function readPublicKey(pem: string): KeyObject {
  // Node would derive the public key; but who checks tokens must not be able to make them.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw new UnsuitableKeyError('is a private key');
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new UnsuitableKeyError('cannot be read as the PEM of a public key', { cause });
  }
}

function algorithmsOf(key: KeyObject): readonly string[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS)
      throw new UnsuitableKeyError(`is an RSA key of ${bits} bits; at least ${MIN_RSA_BITS} are needed`);
    return RSA_ALGORITHMS;
  }
  if (type === 'ec') {
    const algorithm = CURVE_ALGORITHMS[details?.namedCurve ?? ''];
    if (algorithm !== undefined) return [algorithm];
    throw new UnsuitableKeyError(`is on the curve ${details?.namedCurve}; P-256, P-384 and P-521 can be used`);
  }
  throw new UnsuitableKeyError(`is of the kind ${type}; RSA, EC and Ed25519 can be used`);
}
