import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import { Kept } from '../src/kept.ts';

describe('an answer that is kept', () => {
  it('serves all who ask while it is looked for, and those who ask soon after', async () => {
    let looks = 0;
    const kept = new Kept(async () => {
      await delay(200);
      return ++looks;
    });
    expect(await Promise.all([kept.get(), kept.get(), kept.get()])).toEqual([1, 1, 1]);
    expect(await kept.get()).toBe(1);
  });

  it('is new again after a time that goes with what it cost', async () => {
    let looks = 0;
    const kept = new Kept(async () => ++looks);
    expect(await kept.get()).toBe(1);
    await eventually(async () => (await kept.get()) > 1);
  });

  it('is not kept where it is not worth it, nor where looking failed', async () => {
    const answers = [() => 0, () => 0, () => Promise.reject(new Error('away')), () => 7];
    const kept = new Kept(
      async () => {
        await delay(100);
        return (answers.shift() as () => number | Promise<number>)();
      },
      (answer) => answer > 0,
    );
    expect(await kept.get()).toBe(0);
    expect(await kept.get()).toBe(0);
    await expect(kept.get()).rejects.toThrow('away');
    expect(await kept.get()).toBe(7);
    expect(await kept.get()).toBe(7);
  });
});
