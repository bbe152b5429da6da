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

/** How often each partition was looked after. */
function caretaker() {
  const runs = [0, 0];
  const upkeep = async (partition: number): Promise<void> => {
    runs[partition] = (runs[partition] as number) + 1;
  };
  return { runs, upkeep };
}

test('every partition is looked after again and again, on one schedule, however many ask for it', async () => {
  const { runs, upkeep } = caretaker();
  installation.startRunner({ upkeep });
  installation.startRunner({ upkeep });
  await Promise.all([installation.jobs.upkeep.ensure(100), installation.jobs.upkeep.ensure(100)]);
  await installation.jobs.upkeep.ensure(100);
  await eventually(() => runs.every((count) => count >= 5), LONG);
  const { client, keys } = installation;
  expect(await client.zcard(`${keys.jobs}:upkeep:repeat`)).toBe(runs.length);
});

test('a schedule that Redis lost is made again', async () => {
  const { runs, upkeep } = caretaker();
  installation.startRunner({ upkeep });
  await installation.jobs.upkeep.ensure(100);
  await eventually(() => runs.every((count) => count >= 1), LONG);
  const { client, keys } = installation;
  for (const key of await client.keys(`${keys.jobs}:upkeep:*`)) await client.del(key);
  const before = [...runs];
  await installation.jobs.upkeep.ensure(100);
  await eventually(() => runs.every((count, partition) => count > (before[partition] as number) + 1), LONG);
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
