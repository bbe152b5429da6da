import { describe, expect, test } from '@jest/globals';
import { AuthError, type Claims, KeysUnavailableError, type SignatureVerifier, TokenVerifier } from '@rejoin/identity';
import { RefusedError } from '@rejoin/socketio';
import { tokenAuthenticator } from '../src/index.ts';

/** What a client is told where its token's signature leads to this. */
async function answerTo(outcome: Claims | Error): Promise<unknown> {
  const signature: SignatureVerifier = {
    clockToleranceMs: 0,
    verify: () => (outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome)),
  };
  const authenticate = tokenAuthenticator(new TokenVerifier(signature));
  return authenticate('token').catch((error: unknown) => (error instanceof RefusedError ? error.data : error));
}

const exp = 1_900_000_000;

describe('the authenticator of gateways', () => {
  test('gives the principal of a token that names a tenant', async () => {
    expect(await answerTo({ sub: 'u-1', tenant_id: 'acme', exp })).toMatchObject({ userId: 'u-1', tenantId: 'acme' });
  });

  test('refuses for good a token without a tenant, and one that is not accepted', async () => {
    expect(await answerTo({ sub: 'u-1', exp })).toEqual({ code: 'AUTH_INVALID', retryable: false });
    const expired = new AuthError('AUTH_EXPIRED', 'the token has expired');
    expect(await answerTo(expired)).toEqual({ code: 'AUTH_EXPIRED', retryable: false });
  });

  test('refuses for a while where the keys cannot be fetched', async () => {
    const answer = await answerTo(new KeysUnavailableError(1_500));
    expect(answer).toEqual({ code: 'OVERLOADED', retryable: true, retryAfterMs: 1_500 });
  });

  test('does not hide what nobody expected', async () => {
    const fault = new TypeError('a fault');
    expect(await answerTo(fault)).toBe(fault);
  });
});
