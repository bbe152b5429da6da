import { constants, createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from 'node:crypto';

/** Every algorithm of public keys. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export const base64url = (text: string | Buffer) => Buffer.from(text).toString('base64url');
export const inOneHour = () => Math.floor(Date.now() / 1_000) + 3_600;

/** Puts a token together by hand, so that no library keeps a test from making a bad one. */
export function compact(header: object, payload: unknown, signature: (signed: string) => Buffer | string): string {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  const made = signature(signed);
  return `${signed}.${typeof made === 'string' ? made : made.toString('base64url')}`;
}

/** A token signed with HMAC. */
export function hmacToken(payload: unknown, secret: string, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const bits = /^HS(\d+)$/.exec((header as { alg?: string }).alg ?? '')?.[1] ?? '256';
  return compact(header, payload, (signed) => createHmac(`sha${bits}`, secret).update(signed).digest());
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

const strangers = new Map<string, SigningKey>();

/** A key that nobody trusts, of the kind that an algorithm needs. Making RSA keys takes its time, so it is always the same. */
export function strangerFor(algorithm: Algorithm): SigningKey {
  const kind = /^[RP]S/.test(algorithm) ? 'RS256' : algorithm;
  const stranger = strangers.get(kind) ?? new SigningKey(kind);
  strangers.set(kind, stranger);
  return stranger;
}

/** A private key, and what its owner can do with it. */
export class SigningKey {
  readonly algorithm: Algorithm;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  constructor(algorithm: Algorithm) {
    this.algorithm = algorithm;
    const { privateKey, publicKey } = pairFor(algorithm);
    this.#privateKey = privateKey;
    this.#publicKey = publicKey;
  }

  get publicPem(): string {
    return this.#publicKey.export({ type: 'spki', format: 'pem' }) as string;
  }

  get privatePem(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  }

  /** The public key, as key sets have it. */
  jwk(attributes: object = {}): JsonWebKey & Record<string, unknown> {
    return { ...this.#publicKey.export({ format: 'jwk' }), ...attributes };
  }

  privateJwk(attributes: object = {}): JsonWebKey & Record<string, unknown> {
    return { ...this.#privateKey.export({ format: 'jwk' }), ...attributes };
  }

  /**
   * @param header fields besides, or in place of, `alg`
   * @param algorithm that it is really signed with
   */
  token(payload: unknown, header: object = {}, algorithm: Algorithm = this.algorithm): string {
    return compact({ alg: algorithm, ...header }, payload, (signed) => this.#sign(signed, algorithm));
  }

  #sign(signed: string, algorithm: Algorithm): Buffer {
    const hash = algorithm.startsWith('Ed') ? null : `sha${algorithm.slice(2)}`;
    const padding = algorithm.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    return sign(hash, Buffer.from(signed), {
      key: this.#privateKey,
      ...(/^[RP]S/.test(algorithm) ? { padding } : {}),
      ...(algorithm.startsWith('PS') ? { saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}),
      ...(algorithm.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' } : {}),
    });
  }
}

function pairFor(algorithm: Algorithm): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (algorithm.startsWith('Ed')) return generateKeyPairSync('ed25519');
  const namedCurve = CURVES[algorithm];
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve });
  return generateKeyPairSync('rsa', { modulusLength: 2_048 });
}
