import { describe, expect, it } from '@jest/globals';
import { FairQueue } from '../src/fair-queue.ts';

/** A task that ends when it is told to. */
function task(order: string[], name: string) {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    end,
    run: () => {
      order.push(name);
      return ended;
    },
  };
}

describe('a fair queue', () => {
  it('runs so many at once, and lets owners take turns', async () => {
    const queue = new FairQueue(1);
    const order: string[] = [];
    const tasks = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => ({
      owner: name[0] as string,
      ...task(order, name),
    }));
    const runs = tasks.map(({ owner, run }) => queue.run(owner, run));
    expect(order).toEqual(['a1']);
    for (const { end } of tasks) end();
    await Promise.all(runs);
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  it('goes on after a task that failed, and hands its failure to its owner', async () => {
    const queue = new FairQueue(1);
    const failing = queue.run('a', () => Promise.reject(new Error('no')));
    const following = queue.run('b', async () => 'done');
    await expect(failing).rejects.toThrow('no');
    expect(await following).toBe('done');
    expect(await queue.run('a', async () => 'again')).toBe('again');
  });
});
