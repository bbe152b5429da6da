import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createJobs, type Jobs } from '@rejoin/jobs';
import { DeadLetterStore, eventDigest, scheduleEvents } from '@rejoin/streams';
import { ChildApp, eventually, testRedis } from '@rejoin/testing';
import { numbered, PARTITIONS, TENANT, TestInstallation } from './running-worker.ts';

jest.setTimeout(150_000);

const COUNT = 300;
const LONG = { timeoutMs: 60_000, intervalMs: 50 };

let installation: TestInstallation;
let jobs: Jobs;
let workers: ChildApp[];
beforeEach(async () => {
  installation = await TestInstallation.open();
  const { keys } = installation;
  jobs = createJobs({ redisUrl: testRedis(), keys, partitions: PARTITIONS, onError: () => undefined });
  workers = [];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await jobs.close();
  await installation.close();
});

async function startWorker(): Promise<ChildApp> {
  const env = { REDIS_URL: testRedis(), REJOIN_PREFIX: installation.keys.prefix, PORT: '0' };
  const worker = await ChildApp.start({ app: 'worker', env });
  workers.push(worker);
  return worker;
}

test('G6 a worker that is killed in the middle of a redrive loses and doubles nothing: another goes on with it', async () => {
  const { client, home, keys } = installation;
  const store = new DeadLetterStore(client, keys, PARTITIONS);
  const victim = await startWorker();
  // No rule is for their type: they die again, as the second attempt of the same event.
  await installation.append(...numbered(COUNT, 'e', { type: 'unknown.event', audience: undefined as never }));
  await eventually(async () => expect(await client.hlen(home.dead)).toBe(COUNT), LONG);
  const { id } = await jobs.tasks.start({
    kind: 'redrive',
    selection: { filter: { type: 'unknown.*' } },
    ratePerSecond: 200,
    reason: 'a test of death',
  });
  await eventually(async () => expect((await jobs.tasks.get(id))?.handled).toBeGreaterThan(20), LONG);
  victim.kill('SIGKILL');
  await victim.exited;
  expect((await jobs.tasks.get(id))?.handled).toBeLessThan(COUNT);
  await startWorker();
  const task = await eventually(async () => {
    const now = await jobs.tasks.get(id);
    return now?.state === 'done' ? now : null;
  }, LONG);
  expect(task).toMatchObject({ handled: COUNT, outcomes: { redriven: COUNT, gone: 0, refused: 0, duplicates: 0 } });
  await eventually(async () => expect(await client.hlen(home.dead)).toBe(COUNT), LONG);
  const { items } = await store.list({ limit: 2 * COUNT });
  expect(new Set(items.map(({ eventId }) => eventId)).size).toBe(COUNT);
  expect(items.every(({ attempts }) => attempts === 2)).toBe(true);
});

test('G6 a worker that is killed while it appends events that are due loses and doubles none', async () => {
  const { client, home } = installation;
  const dueFromMs = Date.now() + 1_500;
  const events = Array.from({ length: COUNT }, (_, index) => {
    const event = { specversion: '1.0', id: `e${index}`, source: 'test', type: 'test.event', tenantid: TENANT };
    const json = JSON.stringify({ ...event, audience: 'tenant' });
    return { digest: eventDigest(TENANT, 'test', event.id), json, dueAtMs: dueFromMs + 5 * index };
  });
  await scheduleEvents(client, home, events);
  const victim = await startWorker();
  await eventually(async () => expect(await client.xlen(home.events)).toBeGreaterThan(0), LONG);
  victim.kill('SIGKILL');
  await victim.exited;
  await startWorker();
  await eventually(async () => expect(await client.zcard(home.scheduledOrder)).toBe(0), LONG);
  await eventually(async () => expect(await installation.feed()).toHaveLength(COUNT), LONG);
  const ids = (await installation.feed()).map(({ event }) => event.id);
  expect(ids.toSorted()).toEqual(events.map((_, index) => `e${index}`).toSorted());
  expect(await client.xpending(home.events, 'bridge')).toEqual([0, null, null, null]);
});
