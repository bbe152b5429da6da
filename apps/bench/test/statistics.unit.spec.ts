import { describe, expect, it } from '@jest/globals';
import { median, percentile } from '../src/statistics.ts';

describe('statistics', () => {
  it('takes the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('takes the smallest value that a share of all do not exceed', () => {
    const values = Array.from({ length: 200 }, (_, index) => index + 1);
    expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([100, 198, 200]);
    expect(percentile([7], 0.01)).toBe(7);
  });
});
