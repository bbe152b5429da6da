import { JoseVerifier } from './jose-verifier.ts';
import { RemoteKeySet, type RemoteKeySetOptions } from './remote-key-set.ts';
import {
  EC_ALGORITHMS,
  ED25519_ALGORITHMS,
  RSA_ALGORITHMS,
  type SignatureExpectations,
  type SignatureVerifier,
} from './signature.ts';

/**
 * Proves signatures by the public keys at a URL, which are fetched with the first token.
 * @see RemoteKeySet for which key checks a token, and what happens while the URL does not answer
 */
export function keySetVerifier(
  url: string,
  expectations: SignatureExpectations = {},
  options: RemoteKeySetOptions = {},
): SignatureVerifier {
  const keys = new RemoteKeySet(url, options);
  const algorithms = [...RSA_ALGORITHMS, ...EC_ALGORITHMS, ...ED25519_ALGORITHMS];
  return new JoseVerifier((header) => keys.find(header), algorithms, expectations);
}
