import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Backoff } from '../src/backoff.ts';

const options = { minMs: 500, maxMs: 20_000 };

/** The pauses after failures in a row, for a random source that always gives this. */
function pauses(count: number, random: number, retryAfterMs?: number): number[] {
  const backoff = new Backoff(options, () => random);
  return Array.from({ length: count }, () => backoff.next(retryAfterMs));
}

describe('the pause before another attempt', () => {
  it('lies anywhere between nothing and a bound that doubles up to the longest', () => {
    expect(pauses(8, 0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(pauses(8, 0.5)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(pauses(8, 1)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
  });

  it('is never shorter than the gateway wishes, and as random beyond', () => {
    expect(pauses(3, 0, 3_000)).toEqual([3_000, 3_000, 3_000]);
    expect(pauses(3, 0.5, 3_000)).toEqual([3_250, 3_500, 4_000]);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(60_000),
        fc.integer({ min: 1, max: 60 }),
        (random, retryAfterMs, failures) => {
          const pause = pauses(failures, random, retryAfterMs).at(-1) as number;
          const bound = Math.min(options.maxMs, options.minMs * 2 ** (failures - 1));
          return pause >= retryAfterMs && pause <= retryAfterMs + bound;
        },
      ),
    );
  });

  it('begins anew after a success', () => {
    const backoff = new Backoff(options, () => 1);
    backoff.next();
    backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(500);
  });

  it('is spread evenly over its range', () => {
    const draws = Array.from({ length: 4_000 }, () => new Backoff(options).next(1_000));
    const quarters = [0, 0, 0, 0];
    for (const draw of draws)
      quarters[Math.floor((draw - 1_000) / 125)] = (quarters[Math.floor((draw - 1_000) / 125)] ?? 0) + 1;
    // 1,000 are expected in each, give or take 27; eight times that never happens.
    for (const count of quarters) expect(Math.abs(count - 1_000)).toBeLessThan(220);
    expect(quarters).toHaveLength(4);
  });
});
