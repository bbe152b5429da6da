import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { TEST_JWT_SECRET, tokenFor } from '../src/index.ts';

const part = (token: string, index: number): unknown =>
  JSON.parse(Buffer.from(token.split('.')[index] as string, 'base64url').toString());

describe('a test token', () => {
  it('carries the claims and is signed with HS256', () => {
    const token = tokenFor({ sub: 'u1', tenant: 'acme', roles: ['staff'], scope: 'ops:read' });
    expect(part(token, 0)).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(part(token, 1)).toMatchObject({ sub: 'u1', tenant_id: 'acme', roles: ['staff'], scope: 'ops:read' });
    const [signed, signature] = [token.slice(0, token.lastIndexOf('.')), token.slice(token.lastIndexOf('.') + 1)];
    expect(signature).toBe(createHmac('sha256', TEST_JWT_SECRET).update(signed).digest('base64url'));
  });

  it('expires when it is told to, and has an id of its own', () => {
    const expired = part(tokenFor({ sub: 'u1', expiresInS: -1 }), 1) as { exp: number; jti: string };
    expect(expired.exp).toBeLessThan(Date.now() / 1000);
    expect((part(tokenFor({ sub: 'u1' }), 1) as { jti: string }).jti).not.toBe(expired.jti);
  });

  it('can be wrong in any way', () => {
    const token = tokenFor({ sub: 'u1', claims: { exp: undefined, tenant_id: 7 }, header: { alg: 'none' } });
    expect(part(token, 0)).toMatchObject({ alg: 'none' });
    expect(part(token, 1)).toMatchObject({ tenant_id: 7 });
    expect(part(token, 1)).not.toHaveProperty('exp');
  });
});
