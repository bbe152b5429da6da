import { describe, expect, it } from '@jest/globals';
import { SpanBudget } from '../src/span-budget.ts';

describe('the budget of spans', () => {
  it('lets so many through in each second, and leaves the others out', () => {
    const budget = new SpanBudget(2);
    const taken = [0, 10, 999, 1_000, 1_500, 1_999, 5_000].map((nowMs) => budget.take(nowMs));
    expect(taken).toEqual([true, true, false, true, true, false, true]);
  });
});
