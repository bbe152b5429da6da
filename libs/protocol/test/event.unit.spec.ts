import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseEvent } from '../src/index.ts';

const EVENT = { specversion: '1.0', id: '1', source: '/orders', type: 'order.paid', tenantid: 'acme' };
const problemsOf = (input: unknown) => {
  const parsed = parseEvent(input);
  return parsed.ok ? [] : parsed.problems.map(({ path }) => path);
};

describe('an event', () => {
  it('is accepted with everything CloudEvents allows', () => {
    const event = {
      ...EVENT,
      time: '2026-01-31T12:00:00.123+01:00',
      subject: '991',
      data: { nested: [1, null, { deep: '\u0000' }] },
      audience: 'tenant,user:42,order:991',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      datacontenttype: 'application/json',
      priority: 3,
      urgent: true,
    };
    expect(parseEvent(event)).toEqual({ ok: true, event });
  });

  it('whose optional attribute is null is one without it', () => {
    const nulls = { time: null, subject: null, audience: null, traceparent: null, data_base64: null, priority: null };
    expect(parseEvent({ ...EVENT, ...nulls, data: null })).toEqual({ ok: true, event: { ...EVENT, data: null } });
  });

  it('without a required attribute is refused, every one by name', () => {
    expect(problemsOf({})).toEqual(['specversion', 'id', 'source', 'type', 'tenantid']);
  });

  it.each([
    ['specversion', '0.3'],
    ['id', ''],
    ['id', 5],
    ['id', 'a\u0000'],
    ['source', 'x'.repeat(513)],
    ['type', 'order paid'],
    ['type', 'connect'],
    ['type', 'disconnect'],
    ['type', 'rejoin:ready'],
    ['type', 'session:expiring'],
    ['type', 'error'],
    ['tenantid', '\ud800'],
    ['tenantid', null],
    ['time', 'yesterday'],
    ['time', '2026-13-41T00:00:00Z'],
    ['subject', ''],
    ['data_base64', 'AA=='],
    ['audience', 'everyone'],
    ['audience', 'group:'],
    ['audience', ''],
    ['traceparent', 7],
    ['Extension', 'x'],
    ['nested', {}],
    ['control', 'a\u0007'],
  ])('with a bad %s (%p) is refused by its name', (field, value) => {
    expect(problemsOf({ ...EVENT, [field]: value })).toEqual([field]);
  });

  it('reports every bad field at once', () => {
    expect(problemsOf({ ...EVENT, id: '', type: 'a b', nested: [] }).sort()).toEqual(['id', 'nested', 'type']);
  });

  it('is never a reason to throw', () => {
    fc.assert(fc.property(fc.anything(), (input) => expect(typeof parseEvent(input).ok).toBe('boolean')));
    fc.assert(
      fc.property(
        fc.record({ specversion: fc.anything(), id: fc.anything(), type: fc.anything(), audience: fc.anything() }),
        (input) => expect(parseEvent(input).ok).toBe(false),
      ),
    );
    expect(problemsOf([EVENT])).toEqual(['']);
    expect(problemsOf('text')).toEqual(['']);
    expect(parseEvent(JSON.parse('{"__proto__":{"specversion":"1.0"}}')).ok).toBe(false);
  });
});
