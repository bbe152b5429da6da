import { describe, expect, test } from '@jest/globals';
import { createTokenVerifier, KeysUnavailableError, type TokenConfiguration } from '@rejoin/identity';
import { InvalidConfigurationError } from '@rejoin/runtime';
import { KeyServer } from './key-server.ts';
import { refusal } from './refusal.ts';
import { hmacToken, inOneHour, SigningKey } from './signing-key.ts';

const none: TokenConfiguration = {
  secret: undefined,
  publicKey: undefined,
  jwksUrl: undefined,
  issuer: undefined,
  audience: undefined,
  tenantClaim: 'tenant_id',
  clockToleranceMs: 5_000,
};
const SECRET = 'a secret of more than thirty-two bytes';
const key = new SigningKey('ES256');
const claims = () => ({ sub: 'u-1', org: 'acme', iss: 'https://id', aud: 'orders', exp: inOneHour() });

function create(configuration: Partial<TokenConfiguration>) {
  const warnings: string[] = [];
  const verifier = createTokenVerifier({ ...none, ...configuration }, (message) => warnings.push(message));
  return { verifier, warnings };
}

describe('token configuration', () => {
  test('without a key names the variables that are missing', () => {
    expect(() => create({})).toThrow(InvalidConfigurationError);
    for (const name of ['JWT_SECRET', 'JWT_PUBLIC_KEY', 'JWT_JWKS_URL']) expect(() => create({})).toThrow(name);
  });

  test('with more than one key names those variables', () => {
    const both = { secret: SECRET, publicKey: key.publicPem };
    expect(() => create(both)).toThrow(InvalidConfigurationError);
    expect(() => create(both)).toThrow('JWT_SECRET and JWT_PUBLIC_KEY are set');
  });

  test('with a key that cannot check tokens says why', () => {
    expect(() => create({ publicKey: key.privatePem })).toThrow(InvalidConfigurationError);
    expect(() => create({ publicKey: key.privatePem })).toThrow('JWT_PUBLIC_KEY: the key is a private key');
  });

  test('warns of a secret shorter than 32 bytes, and of no other', () => {
    expect(create({ secret: 'x'.repeat(31) }).warnings).toEqual([expect.stringContaining('31 bytes')]);
    expect(create({ secret: 'ä'.repeat(16) }).warnings).toEqual([]);
  });

  test('warns of keys that come over an open network, not of those of this machine', () => {
    expect(create({ jwksUrl: 'http://id.example.com/' }).warnings).toEqual([expect.stringContaining('not https')]);
    for (const host of ['https://id.example.com', 'http://localhost:8080', 'http://127.0.0.1', 'http://[::1]:1']) {
      expect(create({ jwksUrl: `${host}/jwks.json` }).warnings).toEqual([]);
    }
  });

  test('warns of keys that cannot be fetched, with the reason', async () => {
    const server = await KeyServer.start();
    server.answer((response) => response.writeHead(404).end());
    const { verifier, warnings } = create({ jwksUrl: server.url });
    await expect(verifier.verify(key.token(claims()))).rejects.toBeInstanceOf(KeysUnavailableError);
    expect(warnings).toEqual(['JWT_JWKS_URL: the keys cannot be fetched: the answer has status 404']);
    await server.stop();
  });
});

describe('whatever the key, the configuration decides', () => {
  const configured = { issuer: 'https://id', audience: 'orders', tenantClaim: 'org', clockToleranceMs: 30_000 };
  const withKey: [string, Partial<TokenConfiguration>, (payload: object) => string][] = [
    ['JWT_SECRET', { secret: SECRET }, (payload) => hmacToken(payload, SECRET)],
    ['JWT_PUBLIC_KEY', { publicKey: key.publicPem }, (payload) => key.token(payload)],
    ['JWT_JWKS_URL', {}, (payload) => key.token(payload, { kid: 'k' })],
  ];

  test.each(withKey)('with %s', async (name, keys, sign) => {
    const server = await KeyServer.start();
    server.serve(key.jwk({ kid: 'k' }));
    try {
      const { verifier } = create({
        ...configured,
        ...keys,
        ...(name === 'JWT_JWKS_URL' ? { jwksUrl: server.url } : {}),
      });
      const exp = Math.floor(Date.now() / 1_000) - 10;
      const principal = await verifier.verify(sign({ ...claims(), exp }));
      expect(principal).toMatchObject({ tenantId: 'acme', expiresAtMs: (exp + 30) * 1_000 });
      expect((await refusal(verifier, sign({ ...claims(), exp: exp - 60 }))).code).toBe('AUTH_EXPIRED');
      expect((await refusal(verifier, sign({ ...claims(), iss: 'https://evil' }))).code).toBe('AUTH_INVALID');
      expect((await refusal(verifier, sign({ ...claims(), aud: 'other' }))).code).toBe('AUTH_INVALID');
    } finally {
      await server.stop();
    }
  });
});
