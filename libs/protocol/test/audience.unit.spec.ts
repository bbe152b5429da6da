import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type AudienceToken,
  eventFilter,
  formatAudienceToken,
  isAttributeText,
  isEventPattern,
  parseAudience,
  parseAudienceToken,
  refusal,
  roomOf,
} from '../src/index.ts';

const id = fc
  .string({ minLength: 1, maxLength: 60, unit: 'grapheme' })
  .filter((text) => isAttributeText(text) && !text.includes(',') && text.trim() === text && text !== '');
const token: fc.Arbitrary<AudienceToken> = fc.oneof(
  fc.constant({ kind: 'tenant' as const }),
  fc.record({ kind: fc.constantFrom('user' as const, 'role' as const, 'group' as const), id }),
  fc.record({ kind: fc.constant('resource' as const), resource: fc.constantFrom('order', 'shipment', 'a-b_c1'), id }),
);

describe('an audience', () => {
  it('is the same after a round trip, without repetitions', () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 20 }), (tokens) => {
        const text = [...tokens, ...tokens].map(formatAudienceToken).join(' , ');
        const parsed = parseAudience(text);
        const distinct = [...new Map(tokens.map((each) => [formatAudienceToken(each), each])).values()];
        expect(parsed).toEqual({ ok: true, tokens: distinct });
      }),
    );
  });

  it('names the first text in it that is no token', () => {
    for (const text of [
      'everyone',
      'user:',
      ':x',
      'Order:1',
      'tenant:acme',
      'tenant,,role:x',
      'user:a\u0000b',
      '1a:b',
      '',
    ]) {
      expect(parseAudience(text).ok).toBe(false);
    }
    expect(parseAudience('tenant,everyone')).toEqual({ ok: false, problem: '"everyone" is not an audience token' });
  });

  it('has at most 1,000 tokens', () => {
    const of = (count: number) => parseAudience(Array.from({ length: count }, (_, i) => `user:${i}`).join(','));
    expect(of(1_000).ok).toBe(true);
    expect(of(1_001).ok).toBe(false);
    expect(parseAudienceToken(`user:${'x'.repeat(300)}`)).toBeNull();
  });
});

describe('a room', () => {
  it('is another one for every other tenant or token', () => {
    fc.assert(
      fc.property(id, token, id, token, (tenantA, tokenA, tenantB, tokenB) => {
        const same = tenantA === tenantB && formatAudienceToken(tokenA) === formatAudienceToken(tokenB);
        expect(roomOf(tenantA, tokenA) === roomOf(tenantB, tokenB)).toBe(same);
      }),
    );
  });

  it('holds no space and exactly one separator, so that names cannot run into each other', () => {
    fc.assert(fc.property(id, token, (tenant, each) => expect(roomOf(tenant, each)).toMatch(/^[^ :]+:[^ :]+$/)));
  });
});

describe('an event filter', () => {
  it('matches exact types and beginnings', () => {
    const wants = eventFilter(['order.*', 'invoice.sent']);
    expect(['order.paid', 'order.', 'invoice.sent'].every(wants)).toBe(true);
    expect(['order', 'invoice.sent.late', 'invoice', 'Order.paid'].some(wants)).toBe(false);
    expect(eventFilter(['*'])('anything')).toBe(true);
    expect(eventFilter([])('anything')).toBe(false);
  });

  it('accepts patterns with a star at the end only', () => {
    expect(['order.*', '*', 'order.paid'].every(isEventPattern)).toBe(true);
    expect(['', '*.paid', 'or*er', 'x'.repeat(129), 5, null].some(isEventPattern)).toBe(false);
  });
});

describe('a refusal', () => {
  it('says whether to come back, and when where the server has a wish', () => {
    expect(refusal('AUTH_INVALID')).toEqual({ code: 'AUTH_INVALID', retryable: false });
    expect(refusal('OVERLOADED', 250)).toEqual({ code: 'OVERLOADED', retryable: true, retryAfterMs: 250 });
  });
});
