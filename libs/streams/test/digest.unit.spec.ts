import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { eventDigest } from '@rejoin/streams';
import fc from 'fast-check';

describe('event digest', () => {
  test('is what docs/reference/redis-keys.md says, so that other languages can compute it', () => {
    // printf '["acme","/orders","o-1"]' | openssl sha256 -binary | base64 | tr +/ -_ | cut -c1-22
    expect(eventDigest('acme', '/orders', 'o-1')).toBe('ZrsL5JZjVctJh59MonO5R_');
  });

  test('agrees with its definition for any text', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, (tenantId, source, id) => {
        const sha256 = createHash('sha256').update(Buffer.from(JSON.stringify([tenantId, source, id]), 'utf8'));
        expect(eventDigest(tenantId, source, id)).toBe(sha256.digest().toString('base64url').slice(0, 22));
      }),
    );
  });

  test('differs where tenant, source or id differ, wherever one ends and the next begins', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '"', ',', '\\', '\u0000'), maxLength: 4 });
    const triple = fc.tuple(text, text, text);
    fc.assert(
      fc.property(triple, triple, (one, other) => {
        expect(eventDigest(...one) === eventDigest(...other)).toBe(one.every((part, index) => part === other[index]));
      }),
    );
  });
});
