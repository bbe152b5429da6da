import { describe, expect, it } from '@jest/globals';
import type { PartitionView } from '@rejoin/operations';
import { heatOf } from '../src/overview/heat.ts';
import { sumUp } from '../src/overview/totals.ts';

const IDLE = {
  lag: { value: 0, exact: true },
  pending: 0,
  deadLetters: 0,
  inPerSecond: 0,
  outPerSecond: 0,
  oldestUndeliveredAgeMs: null,
  oldestUnackedAgeMs: null,
} as unknown as PartitionView;

describe('totals of all partitions', () => {
  it('are exact where every lag is', () => {
    const busy = { ...IDLE, lag: { value: 5, exact: true }, pending: 2, inPerSecond: 1.5, oldestUndeliveredAgeMs: 900 };
    expect(sumUp([IDLE, busy])).toMatchObject({
      lag: 5,
      lagExact: true,
      pending: 2,
      inPerSecond: 1.5,
      oldestUndeliveredAgeMs: 900,
      oldestUnackedAgeMs: null,
    });
  });

  it('become a lower bound where one lag is unknown, and unknown where all are: never a false 0', () => {
    const unknown = { ...IDLE, lag: null, inPerSecond: null };
    expect(sumUp([IDLE, unknown])).toMatchObject({ lag: 0, lagExact: false, unknownLags: 1 });
    expect(sumUp([unknown])).toMatchObject({ lag: null, inPerSecond: null });
  });
});

describe('the heat map', () => {
  it('grows one step with each power of ten', () => {
    expect([0, 1, 9, 10, 999, 1_000, 10_000, 5_000_000].map(heatOf)).toEqual([0, 1, 1, 2, 3, 4, 5, 5]);
  });
});
