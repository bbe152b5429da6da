import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import { TestInstallation } from './test-installation.ts';

jest.setTimeout(60_000);

const LONG = { timeoutMs: 50_000 };

let installation: TestInstallation;
beforeEach(() => {
  installation = new TestInstallation();
});
afterEach(() => installation.close());

/** How often each partition was looked after, and how often at the same time as before. */
function caretaker() {
  const runs = [0, 0];
  const active = [0, 0];
  const seen = { runs, together: 0 };
  const upkeep = async (partition: number): Promise<void> => {
    runs[partition] = (runs[partition] as number) + 1;
    active[partition] = (active[partition] as number) + 1;
    if ((active[partition] as number) > 1) seen.together += 1;
    await installation.client.ping();
    active[partition] = (active[partition] as number) - 1;
  };
  return { seen, upkeep };
}

test('every partition is looked after again and again, by one worker at a time, whoever asks for it', async () => {
  const { seen, upkeep } = caretaker();
  installation.startRunner({ upkeep });
  installation.startRunner({ upkeep });
  await Promise.all([installation.jobs.upkeep.ensure(100), installation.jobs.upkeep.ensure(100)]);
  await installation.jobs.upkeep.ensure(100);
  await eventually(() => seen.runs.every((count) => count >= 5), LONG);
  expect(seen.together).toBe(0);
});

test('a schedule that Redis lost is made again', async () => {
  const { seen, upkeep } = caretaker();
  installation.startRunner({ upkeep });
  await installation.jobs.upkeep.ensure(100);
  await eventually(() => seen.runs.every((count) => count >= 1), LONG);
  const { client, keys } = installation;
  for (const key of await client.keys(`${keys.jobs}:upkeep:*`)) await client.del(key);
  const before = [...seen.runs];
  await installation.jobs.upkeep.ensure(100);
  await eventually(() => seen.runs.every((count, partition) => count > (before[partition] as number) + 1), LONG);
});

test('upkeep that fails is done again at its next time', async () => {
  let runs = 0;
  installation.startRunner({
    upkeep: () => {
      runs += 1;
      return Promise.reject(new Error('no'));
    },
  });
  await installation.jobs.upkeep.ensure(100);
  await eventually(() => runs >= 6, LONG);
});
