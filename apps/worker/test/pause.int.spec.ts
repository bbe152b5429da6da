import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pauseOf, pausePartition, resumePartition } from '@rejoin/streams';
import { eventually } from '@rejoin/testing';
import { expectDelivered, numbered, PARTITIONS, TestInstallation } from './running-worker.ts';

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

test('a paused partition takes nothing, the others go on, and it goes on where it was when it is resumed', async () => {
  const { client, home, keys } = installation;
  await installation.startWorker();
  const [first] = await installation.append({ id: 'first' });
  await installation.handled(first as string);
  await pausePartition(client, home, { forMs: 60_000, reason: 'a look at the orders', by: 'ann' });
  expect(await pauseOf(client, home)).toMatchObject({ reason: 'a look at the orders', by: 'ann' });
  const ids = await installation.append(...numbered(50));
  const other = keys.partition((home.partition + 1) % PARTITIONS);
  const tenantid = installation.tenantOf(other.partition);
  const [elsewhere] = await installation.append({ id: 'other', tenantid });
  await installation.handled(elsewhere as string, other);
  expect(await client.get(home.done)).toBe(first);
  expect(await client.xpending(home.events, 'bridge')).toEqual([0, null, null, null]);
  expect(await resumePartition(client, home)).toBe(true);
  await installation.handled(ids.at(-1) as string);
  expectDelivered(await installation.feed(), [{ id: 'first' }, ...numbered(50)]);
});

test('a pause ends by itself', async () => {
  const { client, home } = installation;
  await pausePartition(client, home, { forMs: 300, reason: 'test' });
  await installation.startWorker();
  const [id] = await installation.append({ id: 'e0' });
  await installation.handled(id as string);
  expect(await pauseOf(client, home)).toBeNull();
  expect(await resumePartition(client, home)).toBe(false);
});

test('a pause without an end, or with one too far away, is refused', async () => {
  const { client, home } = installation;
  for (const forMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 8 * 86_400_000]) {
    await expect(pausePartition(client, home, { forMs, reason: 'test' })).rejects.toThrow(RangeError);
  }
  await pausePartition(client, home, { forMs: 60_000, reason: 'test' });
  await eventually(async () => expect(await client.pttl(home.paused)).toBeGreaterThan(0));
});
