import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { publicKeyVerifier, TokenVerifier, UnsuitableKeyError } from '@rejoin/identity';
import { refusal } from './refusal.ts';
import {
  ALGORITHMS,
  type Algorithm,
  base64url,
  compact,
  hmacToken,
  inOneHour,
  SigningKey,
  strangerFor,
} from './signing-key.ts';

const claims = () => ({ sub: 'u-1', tenant_id: 'acme', exp: inOneHour() });
const trusting = (key: SigningKey) => new TokenVerifier(publicKeyVerifier(key.publicPem));

/** One key of each kind. */
const KEYS = {
  RSA: new SigningKey('RS256'),
  'P-256': new SigningKey('ES256'),
  'P-384': new SigningKey('ES384'),
  'P-521': new SigningKey('ES512'),
  Ed25519: new SigningKey('EdDSA'),
} as const;
type Kind = keyof typeof KEYS;

const ACCEPTED: Readonly<Record<Kind, readonly Algorithm[]>> = {
  RSA: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['EdDSA', 'Ed25519'],
};
const kinds = Object.keys(KEYS) as Kind[];
const kindsAndAlgorithms = kinds.flatMap((kind) => ALGORITHMS.map((algorithm) => [kind, algorithm] as const));

describe('a public key', () => {
  test.each(kindsAndAlgorithms.filter(([kind, algorithm]) => ACCEPTED[kind].includes(algorithm)))(
    '%s accepts %s',
    async (kind, algorithm) => {
      const principal = await trusting(KEYS[kind]).verify(KEYS[kind].token(claims(), { typ: 'JWT' }, algorithm));
      expect(principal).toMatchObject({ userId: 'u-1', tenantId: 'acme' });
    },
  );

  test.each(kindsAndAlgorithms.filter(([kind, algorithm]) => !ACCEPTED[kind].includes(algorithm)))(
    '%s refuses a token that says %s',
    async (kind, algorithm) => {
      // Signed by a key of that algorithm, and by the trusted key itself.
      const forged = strangerFor(algorithm).token(claims(), {}, algorithm);
      expect((await refusal(trusting(KEYS[kind]), forged)).code).toBe('AUTH_INVALID');
      const relabelled = KEYS[kind].token(claims(), { alg: algorithm }, ACCEPTED[kind][0]);
      expect((await refusal(trusting(KEYS[kind]), relabelled)).code).toBe('AUTH_INVALID');
    },
  );

  test.each(kinds)('%s refuses a token of another key of its kind', async (kind) => {
    const stranger = strangerFor(KEYS[kind].algorithm);
    expect((await refusal(trusting(KEYS[kind]), stranger.token(claims()))).code).toBe('AUTH_INVALID');
  });

  test.each(kinds)('%s refuses changed claims and changed headers', async (kind) => {
    const [header, payload, signature] = KEYS[kind].token(claims()).split('.') as [string, string, string];
    const forged = base64url(JSON.stringify({ ...claims(), sub: 'admin' }));
    const reworded = base64url(JSON.stringify({ typ: 'JWT', alg: KEYS[kind].algorithm }));
    for (const token of [
      `${header}.${forged}.${signature}`,
      `${reworded}.${payload}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature}.${signature}`,
    ]) {
      expect((await refusal(trusting(KEYS[kind]), token)).code).toBe('AUTH_INVALID');
    }
  });

  test.each(kinds)('%s never takes an HMAC for a signature, with whatever part of it as the secret', async (kind) => {
    const { publicPem } = KEYS[kind];
    const der = Buffer.from(publicPem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64').toString('latin1');
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      for (const secret of [publicPem, publicPem.trim(), der, JSON.stringify(KEYS[kind].jwk()), '']) {
        expect((await refusal(trusting(KEYS[kind]), hmacToken(claims(), secret, { alg }))).code).toBe('AUTH_INVALID');
      }
    }
  });

  test.each(kinds)('%s refuses unsigned tokens, however they spell it', async (kind) => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', ' none', 'none\u0000', null, 0, ['none'], undefined]) {
      for (const signature of ['', 'AA']) {
        const token = compact({ alg }, claims(), () => signature);
        expect((await refusal(trusting(KEYS[kind]), token)).code).toBe('AUTH_INVALID');
      }
    }
  });

  test.each(kinds)('%s does not look at a key that the header brings or points to', async (kind) => {
    const thief = strangerFor(KEYS[kind].algorithm);
    const headers = [
      { jwk: thief.jwk() },
      { jku: 'http://127.0.0.1:9/jwks.json' },
      { x5u: 'http://127.0.0.1:9/cert.pem' },
      { x5c: [thief.publicPem] },
      { kid: '../../../../dev/null' },
      { kid: thief.publicPem },
    ];
    for (const header of headers) {
      expect((await refusal(trusting(KEYS[kind]), thief.token(claims(), header))).code).toBe('AUTH_INVALID');
      // In a good token they mean nothing.
      expect((await trusting(KEYS[kind]).verify(KEYS[kind].token(claims(), header))).userId).toBe('u-1');
    }
  });

  test.each(kinds)('%s refuses a token whose header demands extensions', async (kind) => {
    const headers = [
      { crit: ['exp'], exp: 1 },
      { crit: ['b64'], b64: true },
      { crit: ['b64'], b64: false },
      { crit: [] },
      { crit: 'b64' },
      { crit: null },
    ];
    for (const header of headers) {
      const token = KEYS[kind].token(claims(), header);
      expect((await refusal(trusting(KEYS[kind]), token)).code).toBe('AUTH_INVALID');
    }
  });

  test('an ECDSA signature in the form of ASN.1, or of zeros, is refused', async () => {
    const key = KEYS['P-256'];
    const [header, payload] = key.token(claims()).split('.');
    for (const signature of [Buffer.alloc(64), Buffer.alloc(0), Buffer.from('3006020100020100', 'hex')]) {
      const token = `${header}.${payload}.${signature.toString('base64url')}`;
      expect((await refusal(trusting(key), token)).code).toBe('AUTH_INVALID');
    }
  });

  test.each(kinds)('%s tells an expired token, but only a well-signed one', async (kind) => {
    const expired = { ...claims(), exp: Math.floor(Date.now() / 1_000) - 60 };
    expect((await refusal(trusting(KEYS[kind]), KEYS[kind].token(expired))).code).toBe('AUTH_EXPIRED');
    const stranger = strangerFor(KEYS[kind].algorithm);
    expect((await refusal(trusting(KEYS[kind]), stranger.token(expired))).code).toBe('AUTH_INVALID');
  });

  test.each(kinds)('%s checks a configured issuer and audience, and tells nobody what they are', async (kind) => {
    const expectations = { issuer: 'https://id', audience: 'orders' };
    const strict = new TokenVerifier(publicKeyVerifier(KEYS[kind].publicPem, expectations));
    const good = { ...claims(), iss: 'https://id', aud: ['other', 'orders'] };
    expect((await strict.verify(KEYS[kind].token(good))).userId).toBe('u-1');
    for (const bad of [{ iss: 'https://evil' }, { aud: 'other' }, { iss: undefined }, { aud: undefined }]) {
      const error = await refusal(strict, KEYS[kind].token({ ...good, ...bad }));
      expect(error.code).toBe('AUTH_INVALID');
      expect(error.message).not.toContain('https://id');
    }
  });

  test.each(kinds)('%s accepts a token around its time by the clock tolerance, and no further', async (kind) => {
    const now = 1_800_000_000;
    const expectations = { clockToleranceMs: 5_000, now: () => now * 1_000 };
    const tolerant = new TokenVerifier(publicKeyVerifier(KEYS[kind].publicPem, expectations));
    const principal = await tolerant.verify(KEYS[kind].token({ sub: 'u-1', exp: now - 4, nbf: now - 9 }));
    expect(principal.expiresAtMs).toBe((now + 1) * 1_000);
    expect((await tolerant.verify(KEYS[kind].token({ sub: 'u-1', exp: now + 9, nbf: now + 5 }))).userId).toBe('u-1');
    const late = await refusal(tolerant, KEYS[kind].token({ sub: 'u-1', exp: now - 5 }));
    expect(late.code).toBe('AUTH_EXPIRED');
    const early = await refusal(tolerant, KEYS[kind].token({ sub: 'u-1', exp: now + 9, nbf: now + 6 }));
    expect(early.code).toBe('AUTH_INVALID');
  });

  test.each(kinds)('%s refuses payloads that are no claims', async (kind) => {
    for (const payload of [null, 'text', 7, true, ['sub'], []]) {
      expect((await refusal(trusting(KEYS[kind]), KEYS[kind].token(payload))).code).toBe('AUTH_INVALID');
    }
  });
});

describe('a key that cannot check tokens is not configured', () => {
  const pem = (pair: { publicKey: { export(options: object): string | Buffer } }) =>
    pair.publicKey.export({ type: 'spki', format: 'pem' }) as string;

  test.each<[string, () => string, string]>([
    ['a short RSA key', () => pem(generateKeyPairSync('rsa', { modulusLength: 1_024 })), '1024 bits'],
    ['a curve without algorithm', () => pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })), 'secp256k1'],
    ['Ed448', () => pem(generateKeyPairSync('ed448')), 'ed448'],
    ['a key to agree on keys', () => pem(generateKeyPairSync('x25519')), 'x25519'],
    ['an RSA-PSS key', () => pem(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 })), 'rsa-pss'],
    ['a private key', () => new SigningKey('ES256').privatePem, 'private'],
    ['something else', () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'cannot be read'],
    ['nothing', () => '', 'cannot be read'],
  ])('%s', (_, make, problem) => {
    expect(() => publicKeyVerifier(make())).toThrow(UnsuitableKeyError);
    expect(() => publicKeyVerifier(make())).toThrow(problem);
  });
});
