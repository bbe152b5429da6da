import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { AuthError, SharedSecretVerifier, TokenVerifier } from '@rejoin/identity';
import fc from 'fast-check';

const SECRET = 'a secret of more than thirty-two bytes';
const inOneHour = () => Math.floor(Date.now() / 1_000) + 3_600;
const base64url = (text: string | Buffer) => Buffer.from(text).toString('base64url');

/** Signs by hand, so that no library keeps a test from making a bad token. */
function sign(payload: unknown, { header = { alg: 'HS256', typ: 'JWT' } as object, secret = SECRET } = {}): string {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const verifier = new TokenVerifier(new SharedSecretVerifier(SECRET));

async function refusalOf(token: unknown, by = verifier): Promise<AuthError> {
  const outcome = await by.verify(token).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(AuthError);
  return outcome as AuthError;
}

describe('a good token', () => {
  test('becomes the principal that its claims name', async () => {
    const exp = inOneHour();
    const claims = { sub: 'u-1', tenant_id: 'acme', roles: ['staff', 'staff', 'admin'], scope: 'ops:read  ops:write' };
    expect(await verifier.verify(sign({ ...claims, jti: 't-1', exp, other: { deep: true } }))).toEqual({
      userId: 'u-1',
      tenantId: 'acme',
      roles: ['staff', 'admin'],
      scopes: ['ops:read', 'ops:write'],
      tokenId: 't-1',
      expiresAtMs: exp * 1_000,
    });
  });

  test('needs no more than a subject and an expiry', async () => {
    const exp = inOneHour();
    const principal = await verifier.verify(sign({ sub: 'service', exp }));
    expect(principal).toEqual({ userId: 'service', roles: [], scopes: [], expiresAtMs: exp * 1_000 });
  });

  test('names its tenant in the configured claim', async () => {
    const other = new TokenVerifier(new SharedSecretVerifier(SECRET), { tenantClaim: 'https://example.com/org' });
    const token = sign({ sub: 'u-1', tenant_id: 'acme', 'https://example.com/org': 'globex', exp: inOneHour() });
    expect((await other.verify(token)).tenantId).toBe('globex');
  });

  test('does not inherit its tenant from Object.prototype', async () => {
    const other = new TokenVerifier(new SharedSecretVerifier(SECRET), { tenantClaim: 'constructor' });
    expect(await other.verify(sign({ sub: 'u-1', exp: inOneHour() }))).not.toHaveProperty('tenantId');
  });
});

describe('a missing token', () => {
  test.each([undefined, null, ''])('%p is AUTH_REQUIRED', async (token) => {
    expect((await refusalOf(token)).code).toBe('AUTH_REQUIRED');
  });
});

describe('signature', () => {
  const claims = () => ({ sub: 'u-1', exp: inOneHour() });

  test('another secret is refused', async () => {
    const error = await refusalOf(sign(claims(), { secret: 'another secret of more than thirty-two bytes' }));
    expect(error.code).toBe('AUTH_INVALID');
  });

  test('changed claims are refused', async () => {
    const [header, , signature] = sign(claims()).split('.');
    const forged = base64url(JSON.stringify({ ...claims(), sub: 'admin' }));
    expect((await refusalOf(`${header}.${forged}.${signature}`)).code).toBe('AUTH_INVALID');
  });

  test.each(['none', 'None', 'NONE', 'nOnE'])('an unsigned token with algorithm %s is refused', async (alg) => {
    const unsigned = `${base64url(JSON.stringify({ alg }))}.${base64url(JSON.stringify(claims()))}.`;
    expect((await refusalOf(unsigned)).code).toBe('AUTH_INVALID');
    expect((await refusalOf(sign(claims(), { header: { alg } }))).code).toBe('AUTH_INVALID');
  });

  test('another algorithm of the same family is refused, though its signature is right', async () => {
    const signed = `${base64url('{"alg":"HS512"}')}.${base64url(JSON.stringify(claims()))}`;
    const token = `${signed}.${createHmac('sha512', SECRET).update(signed).digest('base64url')}`;
    expect((await refusalOf(token)).code).toBe('AUTH_INVALID');
  });

  test('a public key as secret does not let its holder sign', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    for (const alg of ['RS256', 'PS256', 'ES256']) {
      const token = sign(claims(), { header: { alg }, secret: pem });
      expect((await refusalOf(token, new TokenVerifier(new SharedSecretVerifier(pem)))).code).toBe('AUTH_INVALID');
    }
  });

  test('payloads that are no claims are refused', async () => {
    for (const payload of [null, 'text', 7, true, ['sub'], []]) {
      expect((await refusalOf(sign(payload))).code).toBe('AUTH_INVALID');
    }
  });

  test('whatever else arrives is AUTH_INVALID and nothing worse', async () => {
    for (const token of [7, {}, [], true, 'a.b', '.', '..', '...', 'x'.repeat(8_193), `${sign(claims())}.x`]) {
      expect((await refusalOf(token)).code).toBe('AUTH_INVALID');
    }
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.anything()), async (token) => {
        fc.pre(token !== undefined && token !== null && token !== '');
        expect((await refusalOf(token)).code).toBe('AUTH_INVALID');
      }),
    );
  });
});

describe('time, issuer and audience', () => {
  const now = Math.floor(Date.now() / 1_000);

  test('an expired token is AUTH_EXPIRED', async () => {
    expect((await refusalOf(sign({ sub: 'u-1', exp: now - 1 }))).code).toBe('AUTH_EXPIRED');
  });

  test('an expired token with a wrong signature is AUTH_INVALID', async () => {
    const token = sign({ sub: 'u-1', exp: now - 1 }, { secret: 'another secret of more than thirty-two bytes' });
    expect((await refusalOf(token)).code).toBe('AUTH_INVALID');
  });

  test('a token that does not end is refused', async () => {
    const error = await refusalOf(sign({ sub: 'u-1' }));
    expect(error).toMatchObject({ code: 'AUTH_INVALID', message: expect.stringContaining('"exp" is required') });
  });

  test('a token before its time is refused', async () => {
    expect((await refusalOf(sign({ sub: 'u-1', exp: inOneHour(), nbf: now + 600 }))).code).toBe('AUTH_INVALID');
  });

  test('a configured issuer and audience must match', async () => {
    const strict = new TokenVerifier(new SharedSecretVerifier(SECRET, { issuer: 'https://id', audience: 'orders' }));
    const good = { sub: 'u-1', exp: inOneHour(), iss: 'https://id', aud: ['other', 'orders'] };
    expect((await strict.verify(sign(good))).userId).toBe('u-1');
    for (const bad of [{ iss: 'https://evil' }, { aud: 'other' }, { iss: undefined }, { aud: undefined }]) {
      const error = await refusalOf(sign({ ...good, ...bad }), strict);
      expect(error.code).toBe('AUTH_INVALID');
      expect(error.message).not.toContain('https://id');
    }
  });
});

describe('claims', () => {
  const bad: [string, object][] = [
    ['sub', {}],
    ['sub', { sub: '' }],
    ['sub', { sub: 7 }],
    ['sub', { sub: null }],
    ['sub', { sub: ['u-1'] }],
    ['sub', { sub: 'u\u00001' }],
    ['sub', { sub: 'u\n1' }],
    ['sub', { sub: '\ud800' }],
    ['sub', { sub: 'u'.repeat(252) }],
    ['tenant_id', { tenant_id: '' }],
    ['tenant_id', { tenant_id: 7 }],
    ['tenant_id', { tenant_id: null }],
    ['tenant_id', { tenant_id: ['acme'] }],
    ['tenant_id', { tenant_id: 'ac\u0007me' }],
    ['tenant_id', { tenant_id: 't'.repeat(129) }],
    ['roles', { roles: 'staff' }],
    ['roles', { roles: { 0: 'staff' } }],
    ['roles', { roles: ['staff', 7] }],
    ['roles', { roles: [''] }],
    ['roles', { roles: ['a\u0000'] }],
    ['roles', { roles: ['r'.repeat(129)] }],
    ['roles', { roles: Array.from({ length: 65 }, (_, i) => `r${i}`) }],
    ['scope', { scope: ['events:publish'] }],
    ['scope', { scope: 7 }],
    ['scope', { scope: 'events:publish\u0000' }],
    ['jti', { jti: 7 }],
    ['jti', { jti: '' }],
    ['exp', { exp: -1 }],
    ['exp', { exp: 1e300 }],
  ];
  test.each(bad)('a bad "%s" is AUTH_INVALID: %j', async (claim, claims) => {
    const base = claim === 'sub' ? {} : { sub: 'u-1' };
    const error = await refusalOf(sign({ exp: inOneHour(), ...base, ...claims }));
    // A time before 1970 has passed already.
    expect(error.code).toBe(claim === 'exp' && (claims as { exp: number }).exp < 0 ? 'AUTH_EXPIRED' : 'AUTH_INVALID');
    if (error.code === 'AUTH_INVALID') expect(error.message).toContain(`"${claim}"`);
  });

  test('sixty-four roles are accepted', async () => {
    const roles = Array.from({ length: 64 }, (_, i) => `role-${i}`);
    expect((await verifier.verify(sign({ sub: 'u-1', exp: inOneHour(), roles }))).roles).toEqual(roles);
  });

  test('any claims at all give a principal or an AuthError', async () => {
    const keys = fc.constantFrom('sub', 'tenant_id', 'roles', 'scope', 'jti', 'exp', 'nbf', '__proto__');
    await fc.assert(
      fc.asyncProperty(fc.dictionary(keys, fc.jsonValue()), async (claims) => {
        const outcome = await verifier.verify(sign({ sub: 'u-1', exp: inOneHour(), ...claims })).then(
          ({ userId }) => typeof userId === 'string' && userId !== '',
          (error: unknown) => error instanceof AuthError,
        );
        expect(outcome).toBe(true);
      }),
    );
  });
});
