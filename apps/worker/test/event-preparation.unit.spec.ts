import { describe, expect, test } from '@jest/globals';
import { AudienceResolver } from '@rejoin/audience';
import type { FanOutItem } from '@rejoin/feed';
import { MAX_EVENT_BYTES, parseEvent, partitionOf } from '@rejoin/protocol';
import { type Attempts, eventDigest, type StreamEntry } from '@rejoin/streams';
import fc from 'fast-check';
import { EventPreparation } from '../src/event-preparation.ts';
import { ResolverBreakers } from '../src/resolver-breakers.ts';
import { RetryPolicy } from '../src/retry-policy.ts';
import { RetryingResolver } from '../src/retrying-resolver.ts';

const PARTITIONS = 8;
const ENTRY_ID = '1767225600123-4';
const TENANT = 'acme';
const EVENT = { specversion: '1.0', id: 'e-1', source: 'orders', type: 'order.paid', tenantid: TENANT };
const preparation = new EventPreparation(
  new RetryingResolver(new AudienceResolver(), new ResolverBreakers()),
  new RetryPolicy(3),
  partitionOf(TENANT, PARTITIONS),
  PARTITIONS,
);

/** Rules never make anybody wait. */
function prepareEntry(entry: StreamEntry, bytes: Buffer | null = null): FanOutItem {
  const item = preparation.prepare(entry, bytes, new AbortController().signal);
  if (item instanceof Promise) throw new Error('it has to be waited for');
  return item;
}

function entry(text: string): StreamEntry {
  return { entryId: ENTRY_ID, content: { kind: 'event', text } };
}

function prepare(event: object): FanOutItem {
  return prepareEntry(entry(JSON.stringify({ ...EVENT, audience: 'tenant', ...event })));
}

function deathOf(item: FanOutItem): { code: string; message: string; [field: string]: unknown } {
  if (item.kind !== 'dead') throw new Error('it is delivered');
  expect(item.entryId).toBe(ENTRY_ID);
  return JSON.parse(item.record) as ReturnType<typeof deathOf>;
}

function clientEvent(item: FanOutItem): unknown {
  if (item.kind !== 'deliver') throw new Error(item.record);
  return JSON.parse(item.event);
}

describe('an event that can be delivered', () => {
  test('goes to its rooms, each once, with what clients may see', () => {
    const time = '2026-01-01T12:00:00+02:00';
    const event = { time, subject: '991', data: { customerId: 'u 1' }, traceparent: 'secret', source: 'orders' };
    expect(prepareEntry(entry(JSON.stringify({ ...EVENT, ...event })))).toEqual({
      kind: 'deliver',
      entryId: ENTRY_ID,
      eventId: 'e-1',
      digest: eventDigest(TENANT, 'orders', 'e-1'),
      tenant: TENANT,
      rooms: ['acme:user%3Au%201', 'acme:role%3Astaff', 'acme:order%3A991'],
      type: 'order.paid',
      event: JSON.stringify({ id: 'e-1', type: 'order.paid', time, subject: '991', data: { customerId: 'u 1' } }),
    });
  });

  test('without a time has that of its entry', () => {
    expect(clientEvent(prepare({}))).toEqual({ id: 'e-1', type: 'order.paid', time: '2026-01-01T00:00:00.123Z' });
    const far = {
      entryId: '18446744073709551615-1',
      content: entry(JSON.stringify({ ...EVENT, audience: 'tenant' })).content,
    };
    expect(clientEvent(prepareEntry(far))).toMatchObject({ time: '+275760-09-13T00:00:00.000Z' });
  });

  test('keeps its data, whatever JSON value that is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        const text = JSON.stringify(data);
        expect(clientEvent(prepare({ data }))).toHaveProperty('data', JSON.parse(text));
      }),
    );
  });

  test('names a room once, however often its audience does', () => {
    expect(prepare({ audience: 'user:a,role:b, user:a' })).toMatchObject({
      rooms: ['acme:user%3Aa', 'acme:role%3Ab'],
    });
  });

  test('may have 64 KiB, to the byte, and not one more', () => {
    const sized = (bytes: number, filler: string): string => {
      const empty = JSON.stringify({ ...EVENT, audience: 'tenant', data: '' });
      const rest = bytes - Buffer.byteLength(empty);
      const width = Buffer.byteLength(filler);
      return empty.replace(
        '"data":""',
        `"data":"${filler.repeat(Math.floor(rest / width))}${'.'.repeat(rest % width)}"`,
      );
    };
    for (const filler of ['x', 'ä', '😀']) {
      const largest = sized(MAX_EVENT_BYTES, filler);
      expect(Buffer.byteLength(largest)).toBe(MAX_EVENT_BYTES);
      expect(prepareEntry(entry(largest)).kind).toBe('deliver');
      expect(deathOf(prepareEntry(entry(sized(MAX_EVENT_BYTES + 1, filler)))).code).toBe('EVENT_TOO_LARGE');
    }
  });

  test('may contain the replacement character, if its bytes do', () => {
    const suspect = entry(JSON.stringify({ ...EVENT, audience: 'tenant', data: '�' }));
    expect(EventPreparation.needsBytes(suspect)).toBe(true);
    expect(EventPreparation.needsBytes(entry('{}'))).toBe(false);
    const { text } = suspect.content as { text: string };
    expect(prepareEntry(suspect, Buffer.from(text)).kind).toBe('deliver');
  });
});

describe('an event that can never be delivered becomes a dead letter that says why:', () => {
  const json = (event: object): string => JSON.stringify({ ...EVENT, ...event });
  const otherTenant = ['a', 'b', 'c', 'd'].find((t) => partitionOf(t, PARTITIONS) !== partitionOf(TENANT, PARTITIONS));

  test.each<[code: string, text: string, message: RegExp]>([
    ['INVALID_JSON', '', /end of JSON input/],
    ['INVALID_JSON', '{"id":', /end of JSON input/],
    ['INVALID_JSON', '\ufeff{}', /Unexpected token/],
    ['INVALID_JSON', 'hello', /Unexpected token/],
    ['INVALID_JSON', json({ data: '\u0001' }).replace('\\u0001', '\u0001'), /control character/],
    ['INVALID_EVENT', 'null', /must be a JSON object/],
    ['INVALID_EVENT', '[]', /must be a JSON object/],
    ['INVALID_EVENT', '{}', /specversion is required; id is required/],
    ['INVALID_EVENT', json({ type: 'connect' }), /type is a reserved name/],
    ['INVALID_EVENT', json({ id: 'a\u0000b' }), /id must not contain control characters/],
    ['INVALID_EVENT', json({ tenantid: '\ud800' }), /tenantid must not contain .* lone surrogates/],
    ['INVALID_EVENT', json({ audience: 'everybody' }), /audience "everybody" is not an audience token/],
    [
      'WRONG_PARTITION',
      json({ tenantid: otherTenant }),
      /belong to partition \d, and this one was appended to partition/,
    ],
    ['NO_AUDIENCE_RULE', json({ type: 'invoice.sent' }), /no rule matches its type "invoice.sent"/],
    ['AUDIENCE_TEMPLATE', json({ data: {}, subject: '1' }), /the event has no data.customerId/],
    ['AUDIENCE_INVALID', json({ data: { customerId: '\n' }, subject: '1' }), /control characters/],
    [
      'AUDIENCE_TOO_LARGE',
      json({ data: { customerId: Array.from({ length: 1_001 }, (_, index) => index) }, subject: '1' }),
      /more than 1000/,
    ],
    [
      'EVENT_TOO_DEEP',
      json({ data: 0, audience: 'tenant' }).replace('"data":0', `"data":${'['.repeat(30_000)}${']'.repeat(30_000)}`),
      /nested too deeply/,
    ],
  ])('%s', (code, text, message) => {
    const death = deathOf(prepareEntry(entry(text)));
    expect({ ...death, message: '' }).toMatchObject({ code, event: text, entryId: ENTRY_ID, attempts: 1 });
    expect(death.message).toMatch(message);
  });

  test('its id, tenant and type, where they could be read', () => {
    expect(deathOf(prepare({ tenantid: otherTenant }))).toMatchObject({
      eventId: 'e-1',
      tenantId: otherTenant,
      type: 'order.paid',
    });
  });

  test('at most eight of its bad attributes', () => {
    const extensions = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`BAD${index}`, 1]));
    expect(deathOf(prepare(extensions)).message).toMatch(/^(.*; ){8}and 12 more$/);
  });

  test('NOT_UTF8, with its bytes', () => {
    const bytes = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    const death = deathOf(prepareEntry(entry(bytes.toString()), bytes));
    expect(death).toMatchObject({ code: 'NOT_UTF8', eventBase64: bytes.toString('base64') });
  });

  test('MISSING_EVENT_FIELD, with the fields it has', () => {
    const { code, event } = deathOf(
      prepareEntry({ entryId: ENTRY_ID, content: { kind: 'fields', fields: ['evnt', '{}'] } }),
    );
    expect({ code, event }).toEqual({ code: 'MISSING_EVENT_FIELD', event: '["evnt","{}"]' });
  });

  test('PAYLOAD_MISSING', () => {
    const { code, event } = deathOf(prepareEntry({ entryId: ENTRY_ID, content: { kind: 'missing' } }));
    expect({ code, event }).toEqual({ code: 'PAYLOAD_MISSING', event: null });
  });
});

test('whatever a text holds, it is delivered exactly where its envelope is good, and never throws', () => {
  const field = fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue(), fc.constant(undefined));
  const event = fc.record({ id: field, source: field, type: field, subject: field, data: field, audience: field });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        event.map((fields) => JSON.stringify({ ...EVENT, ...fields })),
      ),
      (text) => {
        const item = prepareEntry(entry(text));
        if (item.kind === 'deliver') {
          expect(parseEvent(JSON.parse(text)).ok).toBe(true);
          expect(item.rooms.length).toBeGreaterThan(0);
        } else expect(deathOf(item).message).not.toBe('');
      },
    ),
  );
});

describe('an event whose resolver is down', () => {
  const MAX_ATTEMPTS = 3;
  const type = 'slow.event';
  /** With a breaker that is open. */
  function besideAnOpenBreaker(): EventPreparation {
    const breakers = new ResolverBreakers(() => 0);
    for (let failure = 0; failure < 5; failure++) breakers.failed(type, 'crm');
    const nobody = {
      resolve(): never {
        throw new Error('it is asked');
      },
    };
    const resolver = new RetryingResolver(nobody, breakers);
    return new EventPreparation(resolver, new RetryPolicy(MAX_ATTEMPTS), partitionOf(TENANT, PARTITIONS), PARTITIONS);
  }

  function prepared(attempts?: Attempts): FanOutItem {
    const text = JSON.stringify({ ...EVENT, type });
    const content = { kind: 'event' as const, text, ...(attempts ? { attempts } : {}) };
    const item = besideAnOpenBreaker().prepare({ entryId: ENTRY_ID, content }, null, new AbortController().signal);
    if (item instanceof Promise) throw new Error('it has to be waited for');
    return item;
  }

  function parkedOf(item: FanOutItem): object {
    if (item.kind !== 'park') throw new Error(`it is not parked, but ${item.kind}`);
    return JSON.parse(item.record) as object;
  }

  test('is parked without an attempt of its own', () => {
    expect(parkedOf(prepared())).toMatchObject({ attempt: 0, round: 1, postponed: 1, code: 'RESOLVER_FAILED' });
    const attempts = { attempt: 5, round: 4, postponed: 1, firstFailedAtMs: 1_000 };
    expect(parkedOf(prepared(attempts))).toMatchObject({ attempt: 4, round: 4, postponed: 2 });
    const last = { attempt: MAX_ATTEMPTS, round: 1, firstFailedAtMs: 1_000 };
    expect(parkedOf(prepared(last))).toMatchObject({ attempt: MAX_ATTEMPTS - 1, round: 1, postponed: 1 });
  });

  test('is not parked for ever: it ends with the attempts that were made', () => {
    const attempts = { attempt: 1, round: 1, postponed: MAX_ATTEMPTS, firstFailedAtMs: 1_000 };
    expect(deathOf(prepared(attempts))).toMatchObject({
      code: 'RESOLVER_FAILED',
      attempts: 0,
      message: 'resolver crm is down',
      firstFailedAt: '1970-01-01T00:00:01.000Z',
    });
  });

  test('waits longer each time', () => {
    const policy = new RetryPolicy(MAX_ATTEMPTS);
    const waits = [0, 1, 2].map((postponed) =>
      policy.postponementMs({ attempt: 1, round: 1, postponed, firstFailedAtMs: 1 }),
    );
    for (const [n, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(900 * 4 ** n);
      expect(wait).toBeLessThanOrEqual(1_100 * 4 ** n);
    }
    expect(policy.postponementMs({ attempt: 1, round: 1, postponed: 3, firstFailedAtMs: 1 })).toBeNull();
    // Having been put aside uses up no attempt.
    expect(policy.delayMs({ attempt: 2, round: 1, postponed: 3, firstFailedAtMs: 1 })).not.toBeNull();
    expect(policy.delayMs({ attempt: 3, round: 1, postponed: 0, firstFailedAtMs: 1 })).toBeNull();
  });
});
