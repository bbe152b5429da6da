import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compareEntryIds, entryIdTimeMs, formatCursor, isEntryId, laterEntryId, parseCursor } from '../src/index.ts';

const uint64 = fc.bigInt({ min: 0n, max: 18446744073709551615n });
const entryId = fc.tuple(uint64, uint64).map(([ms, seq]) => `${ms}-${seq}`);
const cursor = fc.record({
  epoch: fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/),
  partition: fc.integer({ min: 0, max: 1_023 }),
  entryId,
});

describe('a cursor', () => {
  it('is the same after a round trip', () => {
    fc.assert(fc.property(cursor, (each) => expect(parseCursor(formatCursor(each))).toEqual(each)));
  });

  it('is null for anything else, and reading it never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const parsed = parseCursor(value);
        if (parsed !== null) expect(formatCursor(parsed)).toBe(value);
      }),
    );
    for (const text of [
      '',
      '.',
      'e.1',
      'e.1.1',
      'e.-1.1-1',
      'e.01.1-1',
      'e.1.01-1',
      'e.1.1-1 ',
      'é.1.1-1',
      'e.1.1-99999999999999999999',
    ]) {
      expect(parseCursor(text)).toBeNull();
    }
    expect(parseCursor(`e.1.${'1'.repeat(100)}-1`)).toBeNull();
  });
});

describe('entry IDs', () => {
  it('are ordered by value, exactly, up to 64 bits', () => {
    fc.assert(
      fc.property(uint64, uint64, uint64, uint64, (ms1, seq1, ms2, seq2) => {
        const expected = ms1 === ms2 ? (seq1 < seq2 ? -1 : Number(seq1 > seq2)) : ms1 < ms2 ? -1 : 1;
        expect(Math.sign(compareEntryIds(`${ms1}-${seq1}`, `${ms2}-${seq2}`))).toBe(expected);
      }),
    );
    expect(compareEntryIds('9-1', '10-0')).toBeLessThan(0);
    expect(laterEntryId('9-1', '10-0')).toBe('10-0');
    expect(laterEntryId('10-1', '10-0')).toBe('10-1');
  });

  it('are recognised', () => {
    fc.assert(fc.property(entryId, (id) => expect(isEntryId(id)).toBe(true)));
    for (const text of ['', '1', '1-', '-1', '01-1', '1-1-1', '18446744073709551616-0', '1-*']) {
      expect(isEntryId(text)).toBe(false);
    }
    expect(entryIdTimeMs('1700000000123-4')).toBe(1_700_000_000_123);
  });
});
