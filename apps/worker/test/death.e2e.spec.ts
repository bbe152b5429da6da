import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createJobs, type Jobs } from '@rejoin/jobs';
import { DeadLetterStore, eventDigest, scheduleEvents } from '@rejoin/streams';
import { ChildApp, eventually, SeededRandom, testRedis } from '@rejoin/testing';
import { expectDelivered, numbered, PARTITIONS, TENANT, TestInstallation } from './running-worker.ts';

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

async function startWorker(more: Readonly<Record<string, string>> = {}): Promise<ChildApp> {
  const env = { REDIS_URL: testRedis(), REJOIN_PREFIX: installation.keys.prefix, PORT: '0', ...more };
  const worker = await ChildApp.start({ app: 'worker', env, readyTimeoutMs: 60_000 });
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

const SEED = Number(process.env.REJOIN_E2E_SEED ?? 20_260_131);

test(`G6 a worker that is killed while it parks and appends again loses and doubles nothing (seed ${SEED})`, async () => {
  const { client, home } = installation;
  const random = new SeededRandom(SEED);
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-parking-'));
  const isBack = join(directory, 'is-back');
  const AUDIENCE_RESOLVERS = fileURLToPath(new URL('fixtures/absent-directory.mjs', import.meta.url));
  const env = { AUDIENCE_RESOLVERS, DIRECTORY_IS_BACK: isBack, RETRY_ATTEMPTS: '100' };
  const events = numbered(COUNT, 'e', { type: 'account.closed', subject: '7', audience: undefined as never });
  try {
    const slice = COUNT / 3;
    for (let death = 0; death < 3; death++) {
      const victim = await startWorker(env);
      const parkedBefore = await client.zcard(home.parkedOrder);
      await installation.append(...events.slice(death * slice, (death + 1) * slice));
      const appendedBefore = await entriesAdded();
      // Some time while it parks, or while what was parked comes back.
      const [parks, releases] = [random.between(1, slice), random.between(1, slice)];
      await eventually(
        async () =>
          death % 2 === 0
            ? (await client.zcard(home.parkedOrder)) >= parkedBefore + parks
            : (await entriesAdded()) >= appendedBefore + releases,
        { timeoutMs: 60_000, intervalMs: 1 },
      );
      victim.kill('SIGKILL');
      await victim.exited;
    }
    await startWorker(env);
    writeFileSync(isBack, '');
    await eventually(async () => {
      // Nobody waits for the minutes that some attempts are away.
      for (const id of await client.zrange(home.parkedOrder, '0', '-1')) {
        await client.zadd(home.parkedOrder, 'XX', 1, id);
      }
      expect(await installation.feed()).toHaveLength(COUNT);
    }, LONG);
  } finally {
    rmSync(directory, { recursive: true });
  }
  await eventually(async () => {
    expect(await client.exists(home.parked, home.parkedOrder)).toBe(0);
    expect((await client.xrevrange(home.events, '+', '-', 'COUNT', 1))[0]?.[0]).toBe(await client.get(home.done));
  }, LONG);
  const feed = await installation.feed();
  const ids = feed.map(({ event }) => event.id);
  expect(ids.toSorted()).toEqual(events.map(({ id }) => id as string).toSorted());
  expectDelivered(
    feed,
    ids.map((id) => ({ id })),
  );
  expect(await client.exists(home.dead)).toBe(0);
  expect(await client.xpending(home.events, 'bridge')).toEqual([0, null, null, null]);
});

/** Entries that were ever appended to the event stream. */
async function entriesAdded(): Promise<number> {
  const info = (await installation.client.xinfo('STREAM', installation.home.events)) as unknown[];
  return Number(info[info.indexOf('entries-added') + 1]);
}
