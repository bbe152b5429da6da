import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Kept } from '../src/kept.ts';

/** Each takes its time, then says what it has to say. */
type Answer = () => number | Promise<number>;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** What is asked for takes `tookMs`. */
function answering(answers: Answer[], tookMs: number): () => Promise<number> {
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, tookMs));
    return (answers.shift() as Answer)();
  };
}

async function asked(kept: Kept<number>): Promise<number> {
  const answer = kept.get();
  answer.catch(() => undefined);
  await jest.advanceTimersByTimeAsync(20);
  return answer;
}

describe('an answer that is kept', () => {
  it('serves all who ask while it is looked for, and those who ask soon after', async () => {
    const kept = new Kept(answering([() => 1, () => 2], 20));
    expect(await Promise.all([asked(kept), kept.get(), kept.get()])).toEqual([1, 1, 1]);
    await jest.advanceTimersByTimeAsync(1_900);
    expect(await asked(kept)).toBe(1);
  });

  it('is new again after a hundred times as long as it took', async () => {
    const kept = new Kept(answering([() => 1, () => 2], 20));
    expect(await asked(kept)).toBe(1);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await asked(kept)).toBe(2);
  });

  it('is new again after ten seconds, however long it took', async () => {
    const kept = new Kept(answering([() => 1, () => 2], 1_000));
    const first = kept.get();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await first).toBe(1);
    await jest.advanceTimersByTimeAsync(9_970);
    expect(await asked(kept)).toBe(1);
    await jest.advanceTimersByTimeAsync(10);
    const second = kept.get();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await second).toBe(2);
  });

  it('is not kept where it is not worth it, nor where looking failed', async () => {
    const answers: Answer[] = [() => 0, () => 0, () => Promise.reject(new Error('away')), () => 7];
    const kept = new Kept(answering(answers, 20), (answer) => answer > 0);
    expect(await asked(kept)).toBe(0);
    expect(await asked(kept)).toBe(0);
    await expect(asked(kept)).rejects.toThrow('away');
    expect(await asked(kept)).toBe(7);
    expect(await asked(kept)).toBe(7);
  });
});
