import { expect, test } from '@jest/globals';
import { type FanOutItem, MAX_ROOM_WRITES, takesSteps } from '@rejoin/feed';
import fc from 'fast-check';
import { splitIntoBatches } from '../src/fan-out-batches.ts';

function deliver(entryId: string, rooms: number, length: number): FanOutItem {
  return {
    kind: 'deliver',
    entryId,
    eventId: 'e',
    digest: 'd',
    tenant: 't',
    rooms: Array.from({ length: rooms }, (_, index) => `t:${index}`),
    type: 'x',
    event: 'e'.repeat(length),
  };
}

const item = fc.oneof(
  fc
    .record({ rooms: fc.nat({ max: 1_000 }), length: fc.nat({ max: 5_000 }) })
    .map(({ rooms, length }) => deliver('1-1', rooms, length)),
  fc.nat({ max: 5_000 }).map(
    (length): FanOutItem => ({
      kind: 'dead',
      entryId: '1-1',
      code: 'INVALID_JSON',
      record: 'r'.repeat(length),
      failedAtMs: 0,
    }),
  ),
);

test('batches keep every item, in order, within their bounds', () => {
  const bounds = { maxItems: 7, maxWrites: 1_500, maxLength: 9_000 };
  fc.assert(
    fc.property(fc.array(item, { maxLength: 40 }), (items) => {
      const batches = splitIntoBatches(items, bounds);
      expect(batches.flat()).toEqual(items);
      for (const batch of batches) {
        const writes = batch.reduce(
          (sum, each) => sum + (each.kind === 'deliver' ? each.rooms.length : 0),
          batch.length,
        );
        const texts = batch.reduce((sum, each) => sum + (each.kind === 'deliver' ? each.event : each.record).length, 0);
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(bounds.maxItems);
        expect(writes).toBeLessThanOrEqual(bounds.maxWrites);
        expect(batch.length === 1 || texts <= bounds.maxLength).toBe(true);
      }
    }),
  );
});

test('batches are as large as their bounds allow', () => {
  const narrow = Array.from({ length: 257 }, (_, index) => deliver(`1-${index}`, 1, 10));
  expect(splitIntoBatches(narrow).map(({ length }) => length)).toEqual([128, 128, 1]);
  const wider = Array.from({ length: 257 }, (_, index) => deliver(`1-${index}`, 3, 10));
  expect(splitIntoBatches(wider).map(({ length }) => length)).toEqual([64, 64, 64, 64, 1]);
  const wide = Array.from({ length: 5 }, (_, index) => deliver(`1-${index}`, 127, 10));
  expect(splitIntoBatches(wide).map(({ length }) => length)).toEqual([2, 2, 1]);
  expect(splitIntoBatches([])).toEqual([]);
});

test('an item that takes several steps is alone', () => {
  const items = [deliver('1-0', 0, 1), deliver('1-1', MAX_ROOM_WRITES + 1, 1), deliver('1-2', 0, 1)];
  expect(splitIntoBatches(items).map((batch) => batch.map(takesSteps))).toEqual([[false], [true], [false]]);
});
