import { describe, expect, it } from '@jest/globals';
import { meanWithInterval, median, percentile } from '../src/statistics.ts';

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

  it('gives the mean with its interval of 95 %, and none for a single value', () => {
    // A standard deviation of 1 with three degrees of freedom, of which t is 3.182.
    const { value, low, high } = meanWithInterval([9, 10, 10, 11].map((n) => 10 + (n - 10) * Math.sqrt(1.5)));
    expect(value).toBeCloseTo(10);
    expect(high - value).toBeCloseTo(3.182 / 2, 3);
    expect(value - low).toBeCloseTo(3.182 / 2, 3);
    expect(meanWithInterval([7])).toEqual({ value: 7, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY });
  });
});
