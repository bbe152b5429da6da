import { describe, expect, test } from '@jest/globals';
import { MAX_EVENT_BYTES } from '@rejoin/protocol';
import { eventDigest } from '@rejoin/streams';
import fc from 'fast-check';
import { EventTooLargeError, InvalidEventError } from '../src/errors.ts';
import { type EventInput, type PreparedEvent, prepareBatch, prepareEvent } from '../src/event-input.ts';

const minimal = { source: '/orders', type: 'order.paid', tenantid: 'acme' };
const complete = { ...minimal, specversion: '1.0', id: 'o-1', time: '2026-01-31T12:00:00Z' };
/** What it returned or threw. */
const attempt = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};
const problemsOf = (act: () => unknown) => {
  const outcome = attempt(act);
  return outcome instanceof InvalidEventError ? outcome.problems : null;
};
const isWhatItSays = ({ json, eventId, tenantId }: PreparedEvent) => {
  const event = JSON.parse(json);
  return event.specversion === '1.0' && event.id === eventId && event.tenantid === tenantId;
};

describe('completing an event', () => {
  test('fills specversion, a random id and the time', () => {
    const one = prepareEvent(minimal, true);
    const other = prepareEvent(minimal, true);
    const json = JSON.parse(one.json);
    expect(json).toMatchObject({ ...minimal, specversion: '1.0', id: one.eventId });
    expect(one.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(other.eventId).not.toBe(one.eventId);
    expect(Math.abs(Date.parse(json.time) - Date.now())).toBeLessThan(5_000);
    expect(one.digest).toBe(eventDigest('acme', '/orders', one.eventId));
  });

  test('keeps what was given, extensions and data of any form included', () => {
    const event = { ...complete, subject: 'o-1', audience: 'tenant', priority: 5, data: { nested: [null, '☃\u0000'] } };
    expect(JSON.parse(prepareEvent(event, true).json)).toEqual(event);
  });

  test('takes undefined and null for absent, but keeps null as data', () => {
    const event = { ...complete, id: undefined, subject: null, audience: null, myext: null, time: null, data: null };
    const json = JSON.parse(prepareEvent(event, true).json);
    expect(Object.keys(json).sort()).toEqual(['data', 'id', 'source', 'specversion', 'tenantid', 'time', 'type']);
    expect(json.data).toBeNull();
  });

  test('does not change the object it was given', () => {
    const event = Object.freeze({ ...minimal, subject: null });
    prepareEvent(event, true);
    expect(event).toEqual({ ...minimal, subject: null });
  });

  test('fills the time alone where the identity must be given', () => {
    expect(problemsOf(() => prepareEvent(minimal, false))?.map(({ path }) => path)).toEqual(['specversion', 'id']);
    const { time: _, ...withoutTime } = complete;
    expect(JSON.parse(prepareEvent(withoutTime, false).json).time).toEqual(expect.any(String));
  });
});

describe('refusing an event', () => {
  test.each([undefined, null, 7, 'text', true, [], [complete], () => complete])('that is %p', (input) => {
    expect(problemsOf(() => prepareEvent(input, true))).toEqual([{ path: '', message: expect.any(String) }]);
  });

  test('names every bad field', () => {
    const bad = { ...complete, type: '', tenantid: 7, time: 'yesterday', audience: 'everybody', 'Bad-Name': 1 };
    const paths = problemsOf(() => prepareEvent(bad, true))?.map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set(['type', 'tenantid', 'time', 'audience', 'Bad-Name']));
  });

  test('that inherits its attributes through __proto__', () => {
    const sly = JSON.parse(`{"__proto__":${JSON.stringify(complete)}}`);
    expect(problemsOf(() => prepareEvent(sly, true))?.map(({ path }) => path)).toContain('__proto__');
  });

  test('whose data is not JSON', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    let deep: unknown = 0;
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    for (const data of [cycle, { n: 1n }, deep]) {
      expect(problemsOf(() => prepareEvent({ ...complete, data }, true))).toEqual([
        { path: 'data', message: expect.any(String) },
      ]);
    }
    expect(problemsOf(() => prepareEvent({ ...complete, count: 1n }, true))?.[0]?.path).toBe('count');
  });

  test('above 64 KiB as UTF-8, and not at 64 KiB', () => {
    const overhead = Buffer.byteLength(JSON.stringify({ ...complete, data: '' }));
    const fits = { ...complete, data: 'ä'.repeat((MAX_EVENT_BYTES - overhead - 1) / 2) };
    fits.data += 'a'.repeat(MAX_EVENT_BYTES - Buffer.byteLength(JSON.stringify(fits)));
    expect(prepareEvent(fits, true).bytes).toBe(MAX_EVENT_BYTES);
    const error = attempt(() => prepareEvent({ ...fits, data: `${fits.data}a` }, true));
    expect(error).toBeInstanceOf(EventTooLargeError);
    expect(error).toMatchObject({ code: 'EVENT_TOO_LARGE', bytes: MAX_EVENT_BYTES + 1, maxBytes: MAX_EVENT_BYTES });
  });

  test('anything at all is prepared as valid JSON or refused with a typed error', () => {
    const attributes = fc.constantFrom(...Object.keys(complete), 'data', 'audience', 'subject', 'ext', '__proto__');
    const value = fc.oneof(fc.anything(), fc.constantFrom('1.0', 'tenant', 'a', '2026-01-31T12:00:00Z'));
    const input = fc.oneof(
      fc.anything(),
      fc.dictionary(attributes, value).map((changes) => ({ ...complete, ...changes })),
    );
    fc.assert(
      fc.property(input, fc.boolean(), (event, fill) => {
        const outcome = attempt(() => prepareEvent(event, fill));
        const refused = outcome instanceof InvalidEventError || outcome instanceof EventTooLargeError;
        expect(refused || isWhatItSays(outcome as PreparedEvent)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a batch', () => {
  test('names every bad field of every event by the event’s index', () => {
    const events = [complete, { ...complete, type: 7 }, 'text', { ...complete, source: '', id: '' }];
    const paths = problemsOf(() => prepareBatch(events, true))?.map(({ path }) => path);
    expect(paths).toEqual(['[1].type', '[2]', '[3].id', '[3].source']);
  });

  test('says which event is too large', () => {
    const large = { ...complete, data: 'x'.repeat(MAX_EVENT_BYTES) };
    expect(() => prepareBatch([complete, large, large], true)).toThrow(expect.objectContaining({ index: 1 }));
  });
});

test('an event map ties each type to its data', () => {
  interface OrderEvents {
    'order.paid': { amount: number };
    'order.touched': undefined;
  }
  const accepted: EventInput<OrderEvents>[] = [
    { source: '/orders', tenantid: 'acme', type: 'order.paid', data: { amount: 5 } },
    { source: '/orders', tenantid: 'acme', type: 'order.touched' },
  ];
  const refused: EventInput<OrderEvents>[] = [
    // @ts-expect-error the amount is a number
    { source: '/orders', tenantid: 'acme', type: 'order.paid', data: { amount: '5' } },
    // @ts-expect-error the data is required
    { source: '/orders', tenantid: 'acme', type: 'order.paid' },
    // @ts-expect-error there is no such type
    { source: '/orders', tenantid: 'acme', type: 'order.lost' },
  ];
  const anything: EventInput = { source: '/orders', tenantid: 'acme', type: 'order.lost', data: [1] };
  expect([...accepted, ...refused, anything]).toHaveLength(6);
});
