import { describe, expect, test } from '@jest/globals';
import { deadLetterFingerprint, deadLetterRecord, type Failure, MAX_DEAD_LETTER_BYTES } from '../src/index.ts';

const failure: Failure = {
  entryId: '5-1',
  event: '{"id":"e"}',
  code: 'INVALID_EVENT',
  message: 'type is required',
  failedAtMs: Date.UTC(2026, 0, 2),
};

function record(fields: Partial<Failure>): Record<string, unknown> {
  return JSON.parse(deadLetterRecord({ ...failure, ...fields })) as Record<string, unknown>;
}

describe('a dead letter', () => {
  test('says what failed, why, when and how often', () => {
    expect(record({})).toEqual({
      entryId: '5-1',
      event: '{"id":"e"}',
      code: 'INVALID_EVENT',
      fingerprint: deadLetterFingerprint('INVALID_EVENT', 'type is required'),
      message: 'type is required',
      attempts: 1,
      firstFailedAt: '2026-01-02T00:00:00.000Z',
      lastFailedAt: '2026-01-02T00:00:00.000Z',
    });
    expect(record({ attempts: 3, firstFailedAtMs: 0, stack: 'at x' })).toMatchObject({
      attempts: 3,
      firstFailedAt: '1970-01-01T00:00:00.000Z',
      stack: 'at x',
    });
  });

  test('names the attributes that could be read, shortened, and only those that are text', () => {
    expect(record({ parsed: { id: 'x'.repeat(1_000), tenantid: 'acme', type: 7 } })).toMatchObject({
      eventId: 'x'.repeat(256),
      tenantId: 'acme',
    });
    for (const parsed of [{ type: 7 }, null, 'text', [1]]) {
      expect(Object.keys(record({ parsed }))).not.toContain('type');
    }
  });

  test('keeps bytes that are not UTF-8 as they are', () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
    const { eventBase64, event } = record({ event: bytes });
    expect(event).toBeUndefined();
    expect(Buffer.from(eventBase64 as string, 'base64')).toEqual(bytes);
  });

  test('keeps bytes that are UTF-8 as text', () => {
    expect(record({ event: Buffer.from('{"ä":"\u0000"}') }).event).toBe('{"ä":"\u0000"}');
  });

  test('is bounded: of a huge event it keeps the beginning and says so', () => {
    const kept = record({ event: 'x'.repeat(MAX_DEAD_LETTER_BYTES) });
    expect(kept.event).toHaveLength(MAX_DEAD_LETTER_BYTES);
    const { eventBase64, truncated, bytes } = record({ event: 'ä'.repeat(MAX_DEAD_LETTER_BYTES) });
    expect({ truncated, bytes }).toEqual({ truncated: true, bytes: 2 * MAX_DEAD_LETTER_BYTES });
    expect(Buffer.from(eventBase64 as string, 'base64')).toHaveLength(MAX_DEAD_LETTER_BYTES);
  });

  test('of an event that is gone has none', () => {
    expect(record({ event: null }).event).toBeNull();
  });
});
