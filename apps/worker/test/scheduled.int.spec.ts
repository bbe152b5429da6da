import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { dueTimesBy, eventDigest, scheduleEvents } from '@rejoin/streams';
import { eventually } from '@rejoin/testing';
import { numbered, TENANT, TestInstallation } from './running-worker.ts';

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

function scheduled(id: string, dueAtMs: number) {
  const event = { specversion: '1.0', id, source: 'test', type: 'test.event', tenantid: TENANT, audience: 'tenant' };
  return { digest: eventDigest(TENANT, 'test', id), json: JSON.stringify(event), dueAtMs };
}

test('a scheduled event is published when it is due, and not before; a repeated one, once', async () => {
  const { client, home } = installation;
  const dueAtMs = Date.now() + 700;
  await scheduleEvents(client, home, [scheduled('later', dueAtMs)]);
  expect(await scheduleEvents(client, home, [scheduled('later', dueAtMs + 60_000)])).toEqual([
    { kind: 'scheduled', dueAtMs, isDuplicate: true },
  ]);
  await installation.startWorker();
  await installation.append(...numbered(1, 'now'));
  const feed = await eventually(
    async () => {
      const entries = await installation.feed();
      return entries.length === 2 ? entries : null;
    },
    { timeoutMs: 20_000 },
  );
  expect(feed.map(({ event }) => event.id)).toEqual(['now0', 'later']);
  expect(Number(feed[1]?.entryId.split('-')[0])).toBeGreaterThanOrEqual(dueAtMs);
  expect(await dueTimesBy(client, home, Number.MAX_SAFE_INTEGER)).toEqual([]);
  expect(await scheduleEvents(client, home, [scheduled('later', dueAtMs)])).toEqual([
    { kind: 'published', entryId: feed[1]?.entryId },
  ]);
});

test('an event that was published before it was due is not published again', async () => {
  const { client, home } = installation;
  await scheduleEvents(client, home, [scheduled('e0', Date.now() + 500)]);
  const worker = await installation.startWorker();
  await installation.append(...numbered(1));
  await eventually(async () => expect(await client.zcard(home.scheduledOrder)).toBe(0), { timeoutMs: 20_000 });
  expect((await installation.feed()).map(({ event }) => event.id)).toEqual(['e0']);
  expect(worker.counters.released).toBe(0);
});

test('scheduled events are bounded', async () => {
  const { client, home } = installation;
  const one = scheduled('e1', Date.now() + 60_000);
  const two = scheduled('e2', Date.now() + 60_000);
  await expect(scheduleEvents(client, home, [one, two], 1)).rejects.toMatchObject({ code: 'BACKLOG_FULL' });
  expect(await client.zcard(home.scheduledOrder)).toBe(0);
});
