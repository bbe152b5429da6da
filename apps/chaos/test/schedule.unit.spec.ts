import { expect, test } from '@jest/globals';
import { SeededRandom } from '@rejoin/testing';
import { describeFault, drawRound, FAULT_KINDS } from '../src/schedule.ts';

const drawn = (seed: number) => drawRound(new SeededRandom(seed), 40_000);

test('a seed says what is done, to whom, when and for how long', () => {
  expect(drawn(7)).toEqual(drawn(7));
  expect(drawn(7)).not.toEqual(drawn(8));
});

test('a round deals each kind of fault once, one after the other, within its time', () => {
  for (let seed = 0; seed < 50; seed++) {
    const faults = drawn(seed);
    expect(faults.map(({ kind }) => kind).sort()).toEqual([...FAULT_KINDS].sort());
    expect(faults[0]?.kind).toBe('fatal-event');
    const times = faults.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeLessThanOrEqual(40_000);
  }
});

test('a fault is told in a few words', () => {
  const fault = { kind: 'freeze-worker', atMs: 1, forMs: 5_250, target: 1 } as const;
  expect(describeFault(fault, 'worker-2')).toBe('freeze-worker worker-2 for 5.3 s');
  expect(describeFault({ ...fault, kind: 'cut', forMs: 0 }, '')).toBe('cut');
});
