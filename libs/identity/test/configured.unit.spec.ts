import { describe, expect, test } from '@jest/globals';
import { createTokenVerifier } from '@rejoin/identity';
import { InvalidConfigurationError } from '@rejoin/runtime';

const none = { secret: undefined, issuer: undefined, audience: undefined, tenantClaim: 'tenant_id' };

describe('token configuration', () => {
  test('without a key names the variable that is missing', () => {
    expect(() => createTokenVerifier(none, () => undefined)).toThrow(InvalidConfigurationError);
    expect(() => createTokenVerifier(none, () => undefined)).toThrow('JWT_SECRET');
  });

  test('warns of a secret shorter than 32 bytes, and of no other', () => {
    const warnings: string[] = [];
    createTokenVerifier({ ...none, secret: 'x'.repeat(31) }, (message) => warnings.push(message));
    expect(warnings).toEqual([expect.stringContaining('31 bytes')]);
    createTokenVerifier({ ...none, secret: 'ä'.repeat(16) }, (message) => warnings.push(message));
    expect(warnings).toHaveLength(1);
  });
});
