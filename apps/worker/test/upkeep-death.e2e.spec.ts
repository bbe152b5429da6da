import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { parseFeedEntry } from '@rejoin/feed';
import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import { deadLetterRecord, writeDeadLetter } from '@rejoin/streams';
import { ChildApp, eventually, FeedWriter, TcpProxy, testRedis } from '@rejoin/testing';
import { TestInstallation } from './running-worker.ts';

jest.setTimeout(150_000);

const EVENTS = 10_000;
const DEAD = 3_000;
const MAX_BYTES = 100_000;
const MAX_DEAD = 10;
const LONG = { timeoutMs: 60_000, intervalMs: 5 };

let installation: TestInstallation;
let proxy: TcpProxy;
const workers: ChildApp[] = [];
beforeEach(async () => {
  installation = await TestInstallation.open();
  proxy = await TcpProxy.start(testRedis());
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await installation.close();
  await proxy.stop();
});

async function startWorker(): Promise<ChildApp> {
  const worker = await ChildApp.start({
    app: 'worker',
    env: {
      REDIS_URL: proxy.url,
      REJOIN_PREFIX: installation.keys.prefix,
      REPLAY_MAX_BYTES: String(MAX_BYTES),
      DEAD_LETTER_MAX: String(MAX_DEAD),
      PORT: '0',
    },
    readyTimeoutMs: 60_000,
  });
  workers.push(worker);
  return worker;
}

/** More than one time of upkeep trims, and more dead letters than are kept. */
async function fill(): Promise<EntryId[]> {
  const { client, home } = installation;
  const writer = await FeedWriter.open(client, home);
  const ids = await writer.write(Array.from({ length: EVENTS }, (_, n) => ({ id: `e${n}`, rooms: ['acme:tenant'] })));
  await client.del(home.lease);
  const pipeline = client.pipeline();
  for (let n = 0; n < DEAD; n++) {
    const [entryId, failedAtMs] = [`${Date.now()}-${n}`, Date.now()];
    const record = deadLetterRecord({ entryId, event: '{}', code: 'INVALID_EVENT', message: 'bad', failedAtMs });
    writeDeadLetter(pipeline, home, { entryId, record, failedAtMs });
  }
  await pipeline.exec();
  return ids;
}

/** What is left agrees with what is counted, in every moment. */
async function expectConsistent(ids: readonly EntryId[]): Promise<void> {
  const { client, home } = installation;
  const [entries, counted, floor, last, ...dead] = (
    (await client
      .multi()
      .xrangeBuffer(home.feed, '-', '+')
      .get(home.feedBytes)
      .get(home.floor)
      .get(home.done)
      .hlen(home.dead)
      .zcard(home.deadOrder)
      .zcard(home.deadIndex)
      .exec()) ?? []
  ).map(([, reply]) => reply) as [[Buffer, Buffer[]][], string, EntryId | null, EntryId, ...number[]];
  let bytes = 0;
  for (const [, fields] of entries) {
    for (let i = 1; i < fields.length; i += 2) bytes += (fields[i] as Buffer).length;
    bytes += 64;
  }
  expect(Number(counted)).toBe(bytes);
  expect(last).toBe(ids.at(-1));
  const kept = ids.filter((id) => floor === null || compareEntryIds(id, floor) > 0);
  expect(entries.map(([id, fields]) => parseFeedEntry(id, fields).entryId)).toEqual(kept);
  expect(new Set(dead).size).toBe(1);
}

test('G6 G8 workers that are killed in the middle of upkeep leave nothing half done: the next ones go on with it', async () => {
  const { client, home } = installation;
  const ids = await fill();
  // So that there is a middle.
  proxy.delay(10);
  for (let death = 0; death < 3; death++) {
    const [before, deadBefore] = await Promise.all([client.xlen(home.feed), client.hlen(home.dead)]);
    const victim = await startWorker();
    await eventually(async () => {
      const [feed, dead, bytes] = await Promise.all([
        client.xlen(home.feed),
        client.hlen(home.dead),
        client.get(home.feedBytes),
      ]);
      // One that was killed late may have left nothing to do.
      const isDone = Number(bytes) <= MAX_BYTES && dead === MAX_DEAD;
      expect(feed < before || dead < deadBefore || isDone).toBe(true);
    }, LONG);
    victim.kill('SIGKILL');
    await victim.exited;
    await expectConsistent(ids);
  }
  proxy.delay(0);
  await startWorker();
  await eventually(async () => {
    expect(Number(await client.get(home.feedBytes))).toBeLessThanOrEqual(MAX_BYTES);
    expect(await client.hlen(home.dead)).toBe(MAX_DEAD);
    expect(await client.xlen(home.events)).toBeLessThanOrEqual(100);
  }, LONG);
  await expectConsistent(ids);
  // Not more than was too much.
  expect(Number(await client.get(home.feedBytes))).toBeGreaterThan(MAX_BYTES / 2);
  const [next] = await installation.append({ id: 'next' });
  await installation.handled(next as EntryId, home, 60_000);
});
