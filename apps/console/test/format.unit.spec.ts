import { describe, expect, it } from '@jest/globals';
import { formatBytes, formatCompact, formatRate } from '../src/format/quantity.ts';
import { formatDuration, formatTime, parseSpan } from '../src/format/time.ts';

describe('quantities', () => {
  it.each([
    [0, '0/s'],
    [0.0005, '1.8/h'],
    [0.05, '3/min'],
    [12.34, '12.3/s'],
    [250_000, '250K/s'],
  ])('writes a rate of %p as %p, so that little is not written as nothing', (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  it('shortens only what is long', () => {
    expect(formatCompact(99_999)).toBe('99,999');
    expect(formatCompact(1_250_000)).toBe('1.3M');
    expect(formatBytes(1_023)).toBe('1023 B');
    expect(formatBytes(1.5 * 1_024 ** 3)).toBe('1.5 GiB');
  });
});

describe('times', () => {
  it.each([
    [0, '0 ms'],
    [4_250, '4.2 s'],
    [59_999, '59 s'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [90_000_000, '1 d 1 h'],
  ])('writes %p milliseconds as %p', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('name the day where it is not today', () => {
    const at = new Date(2026, 10, 25, 9, 5, 3);
    expect(formatTime(at, new Date(2026, 10, 25, 23))).toBe('09:05:03');
    expect(formatTime(at, new Date(2026, 10, 26))).toBe('25 Nov 09:05:03');
  });

  it('read spans with their unit, and nothing without', () => {
    expect(['15m', '1.5h', '30s'].map(parseSpan)).toEqual([900_000, 5_400_000, 30_000]);
    expect(['15', 'soon', '-1h'].map(parseSpan)).toEqual([undefined, undefined, undefined]);
  });
});
