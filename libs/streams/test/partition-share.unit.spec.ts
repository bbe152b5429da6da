import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { partitionShare } from '../src/index.ts';

describe('the partition share', () => {
  test('covers every partition, evenly, in ranges that do not overlap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_024 }),
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 }),
        (partitions, workers) => {
          const shares = workers.map((worker) => partitionShare(partitions, workers, worker));
          const counts = shares.map(({ count }) => count);
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(partitions);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          const taken = shares.flatMap(({ count, first }) =>
            Array.from({ length: count }, (_, index) => first + index),
          );
          expect(new Set(taken).size).toBe(partitions);
          expect(Math.max(...taken)).toBe(partitions - 1);
        },
      ),
    );
  });

  test('does not depend on the order in which workers are listed, nor on one being listed twice', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.nat({ max: 64 }), (workers, partitions) => {
        const shuffled = [...workers].reverse().concat(workers.slice(0, 1));
        for (const worker of workers) {
          expect(partitionShare(partitions, shuffled, worker)).toEqual(partitionShare(partitions, workers, worker));
        }
      }),
    );
  });

  test('of a worker that is not listed is nothing', () => {
    expect(partitionShare(8, ['a', 'b'], 'c').count).toBe(0);
    expect(partitionShare(8, [], 'c').count).toBe(0);
  });
});
