import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import { TestInstallation } from './test-installation.ts';

let installation: TestInstallation;
beforeEach(() => {
  installation = new TestInstallation();
});
afterEach(() => installation.close());

test('a timer goes off when events are due, once for all that are due together, in one of the workers', async () => {
  const calls: { partition: number; atMs: number }[] = [];
  const release = (partition: number): Promise<void> => {
    calls.push({ partition, atMs: Date.now() });
    return Promise.resolve();
  };
  installation.startRunner({ release });
  installation.startRunner({ release });
  const dueAtMs = Date.now() + 300;
  const slot = Math.ceil(dueAtMs / 250) * 250;
  for (let i = 0; i < 3; i++) await installation.jobs.timers.set(1, [slot, slot - 1, slot - 2]);
  await installation.jobs.timers.set(0, [Date.now() - 5_000]);
  await eventually(() => expect(calls.map(({ partition }) => partition).sort((a, b) => a - b)).toEqual([0, 1]), {
    timeoutMs: 20_000,
  });
  for (const { partition, atMs } of calls) if (partition === 1) expect(atMs).toBeGreaterThanOrEqual(slot);
});
