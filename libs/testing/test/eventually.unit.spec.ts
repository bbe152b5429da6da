import { describe, expect, it } from '@jest/globals';
import { eventually } from '../src/index.ts';

describe('eventually', () => {
  it('waits for a predicate, and for an assertion', async () => {
    let tries = 0;
    await eventually(() => {
      tries += 1;
      return tries === 3;
    });
    expect(tries).toBe(3);
    await eventually(() => {
      tries += 1;
      expect(tries).toBe(6);
    });
    expect(tries).toBe(6);
  });

  it('hands over what a look-up found, also where that is falsy', async () => {
    const answers = [null, 0];
    expect(await eventually(() => Promise.resolve(answers.shift() ?? null))).toBe(0);
  });

  it('fails with the last reason', async () => {
    const failing = eventually(() => expect(1).toBe(2), { timeoutMs: 20, intervalMs: 1 });
    await expect(failing).rejects.toThrow(/^not within 20 ms: .*\n*.*Expected: .*2/s);
    await expect(eventually(() => false, { timeoutMs: 0 })).rejects.toThrow('not within 0 ms: returned false');
  });
});
