import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkEvent } from '../src/event.ts';
import { isPlainEvent } from '../src/plain-event.ts';

const EVENT = { specversion: '1.0', id: '1', source: '/orders', type: 'order.paid', tenantid: 'acme' };
/** Texts around everything that the rules speak of. */
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ maxLength: 20, unit: 'binary' }),
  fc.constantFrom(
    '',
    '1.0',
    'order.paid',
    'connect',
    'rejoin:x',
    'error',
    '2026-01-31T12:00:00Z',
    '2026-13-41T00:00:00Z',
  ),
  fc.constantFrom(
    'tenant',
    'user:1,role:x',
    'group:vip',
    'everyone',
    'x'.repeat(128),
    'x'.repeat(129),
    'x'.repeat(600),
  ),
);
const name = fc.constantFrom(
  ...['specversion', 'id', 'source', 'type', 'tenantid', 'time', 'subject', 'audience', 'traceparent', 'data'],
  ...['data_base64', 'priority', 'Bad', 'constructor', '__proto__', 'toString'],
);

describe('an event that is accepted at once', () => {
  it('is one that the full check accepts, unchanged', () => {
    fc.assert(
      fc.property(name, fc.oneof({ weight: 9, arbitrary: text }, fc.anything()), (attribute, value) => {
        const input = { ...EVENT, [attribute]: value };
        if (isPlainEvent(input)) expect(checkEvent(input)).toEqual({ ok: true, event: input });
      }),
      { numRuns: 5_000 },
    );
    fc.assert(fc.property(fc.anything(), (input) => !isPlainEvent(input) || checkEvent(input).ok));
  });

  it('is what most events are', () => {
    const usual = { ...EVENT, time: '2026-01-31T12:00:00Z', subject: '991', audience: 'tenant,user:1', data: { a: 1 } };
    expect(isPlainEvent(usual)).toBe(true);
    expect(isPlainEvent(EVENT)).toBe(true);
    for (const attribute of Object.keys(EVENT)) {
      expect(isPlainEvent(Object.fromEntries(Object.entries(EVENT).filter(([each]) => each !== attribute)))).toBe(
        false,
      );
    }
  });
});
