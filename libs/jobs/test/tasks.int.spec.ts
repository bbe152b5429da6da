import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { InvalidTaskError, type Task } from '../src/index.ts';
import { TestInstallation } from './test-installation.ts';

const LONG = { timeoutMs: 30_000 };

let installation: TestInstallation;
beforeEach(() => {
  installation = new TestInstallation();
});
afterEach(() => installation.close());

function ended(id: string): Promise<Task> {
  return eventually(async () => {
    const task = await installation.jobs.tasks.get(id);
    return task && !['waiting', 'running'].includes(task.state) ? task : null;
  }, LONG);
}

const FAST = { ratePerSecond: 10_000, reason: 'the rules are mended', by: 'ann' };

describe('a redrive', () => {
  test('by filter appends what matches, once each, and says exactly what it did', async () => {
    await installation.bury(120);
    await installation.bury(30, 'invoice.sent');
    installation.startRunner();
    const selection = { filter: { type: 'order.*' } };
    const asked = await installation.jobs.tasks.start({ kind: 'redrive', selection, ...FAST });
    expect(asked).toMatchObject({ state: 'waiting', handled: 0, reason: FAST.reason, by: 'ann' });
    const task = await ended(asked.id);
    expect(task).toMatchObject({ state: 'done', total: 120, handled: 120, outcomes: { redriven: 120, refused: 0 } });
    const appended = await installation.appended();
    expect(new Set(appended).size).toBe(120);
    expect(appended).toHaveLength(120);
    expect(await installation.store.counts()).toEqual([15, 15]);
  });

  test('by ids counts those that are gone', async () => {
    const ids = await installation.bury(10);
    installation.startRunner();
    const selection = { ids: [...ids, '0.1-1', ids[0] as string] };
    const { id } = await installation.jobs.tasks.start({ kind: 'redrive', selection, ...FAST });
    expect(await ended(id)).toMatchObject({ handled: 12, outcomes: { redriven: 10, gone: 2 } });
  });

  test('leaves alone what fails again after it was asked for', async () => {
    const { jobs, store } = installation;
    await installation.bury(5);
    const { id, askedAtMs } = await jobs.tasks.start({ kind: 'redrive', selection: { filter: {} }, ...FAST });
    await eventually(async () => {
      // Later by the clock that the task was asked by.
      await installation.bury(1, 'order.late');
      return (await store.list({ filter: { type: 'order.late' } })).items.some(
        ({ lastFailedAt }) => Date.parse(lastFailedAt) > askedAtMs,
      );
    });
    installation.startRunner();
    expect(await ended(id)).toMatchObject({ state: 'done' });
    expect((await store.list({ filter: { type: 'order.late' } })).items.length).toBeGreaterThan(0);
  });

  test('keeps to its rate, and ends when it is cancelled; what it did stays done', async () => {
    await installation.bury(200);
    installation.startRunner();
    const selection = { filter: {} };
    const { tasks } = installation.jobs;
    const { id } = await tasks.start({ kind: 'redrive', selection, ratePerSecond: 20, reason: 'a try' });
    const running = await eventually(async () => {
      const task = await tasks.get(id);
      return task && task.handled > 0 ? task : null;
    }, LONG);
    expect(running).toMatchObject({ state: 'running', total: 200 });
    expect(await tasks.cancel(id)).toBe(true);
    const task = await ended(id);
    expect(task.state).toBe('cancelled');
    expect(task.outcomes.redriven).toBeLessThan(200);
    expect(await installation.appended()).toHaveLength(task.outcomes.redriven);
    expect(await tasks.cancel(id)).toBe(false);
  });

  test('goes on under another runner where the one that ran it stops, and does nothing twice', async () => {
    await installation.bury(150);
    const { tasks } = installation.jobs;
    const selection = { filter: {} };
    const first = installation.startRunner();
    const { id } = await tasks.start({ kind: 'redrive', selection, ratePerSecond: 100, reason: 'a try' });
    await eventually(async () => expect((await tasks.get(id))?.handled).toBeGreaterThan(0), LONG);
    await first.stop();
    expect((await tasks.get(id))?.handled).toBeLessThan(150);
    installation.startRunner();
    expect(await ended(id)).toMatchObject({ state: 'done', handled: 150, outcomes: { redriven: 150 } });
    const appended = await installation.appended();
    expect(appended).toHaveLength(150);
    expect(new Set(appended).size).toBe(150);
  });

  test('waits while publishing is refused', async () => {
    const { client, keys } = installation;
    await installation.bury(4);
    await client.set(keys.partition(0).full, 'memory is short');
    installation.startRunner();
    const { id } = await installation.jobs.tasks.start({ kind: 'redrive', selection: { filter: {} }, ...FAST });
    await eventually(async () => expect((await installation.jobs.tasks.get(id))?.state).toBe('running'), LONG);
    await client.del(keys.partition(0).full);
    expect(await ended(id)).toMatchObject({ state: 'done', outcomes: { redriven: 4 } });
  });
});

test('a discard leaves a tombstone with its reason for each', async () => {
  const ids = await installation.bury(3);
  installation.startRunner();
  const { id } = await installation.jobs.tasks.start({ kind: 'discard', selection: { ids }, ...FAST });
  expect(await ended(id)).toMatchObject({ state: 'done', outcomes: { discarded: 3, redriven: 0 } });
  const [partition, entryId] = (ids[0] as string).split('.') as [string, string];
  expect(await installation.store.tombstone({ partition: Number(partition), entryId })).toMatchObject({
    reason: FAST.reason,
    by: 'ann',
  });
});

test('a rehearsal asks today’s resolver, sends nothing and changes nothing', async () => {
  await installation.bury(6);
  installation.startRunner({
    rehearse: ({ id }) =>
      Promise.resolve(
        id.endsWith('3') ? { code: 'NO_AUDIENCE_RULE', message: 'still none' } : { rooms: ['acme:user%3Au-1'] },
      ),
  });
  const { id } = await installation.jobs.tasks.start({ kind: 'rehearse', selection: { filter: {} }, ...FAST });
  const task = await ended(id);
  expect(task).toMatchObject({ state: 'done', handled: 6, outcomes: { rehearsed: 5, refused: 1 } });
  expect(task.rehearsals[0]).toMatchObject({ code: 'NO_AUDIENCE_RULE', message: 'still none' });
  expect(task.rehearsals[1]).toMatchObject({ rooms: ['acme:user%3Au-1'] });
  expect(await installation.appended()).toEqual([]);
  expect(await installation.store.counts()).toEqual([3, 3]);
});

/** The audit, first line first. */
async function auditLines(): Promise<unknown[]> {
  const entries = await installation.client.xrange(installation.keys.audit, '-', '+');
  return entries.map(([, fields]) => JSON.parse(fields[1] as string));
}

describe('the end of a task', () => {
  test('is audited with what came of it; a rehearsal, which changes nothing, is not', async () => {
    const ids = await installation.bury(2);
    installation.startRunner();
    const { tasks } = installation.jobs;
    await ended((await tasks.start({ kind: 'rehearse', selection: { ids }, ...FAST })).id);
    const { id } = await tasks.start({ kind: 'redrive', selection: { ids }, ...FAST, tenant: 'acme' });
    await ended(id);
    expect(await auditLines()).toEqual([
      expect.objectContaining({ action: 'dead-letters.redrive', by: 'ann', tenant: 'acme', count: 2, result: 'done' }),
    ]);
  });

  test('is audited where it fails for good', async () => {
    const { client, keys } = installation;
    await client.set(keys.partition(0).deadOrder, 'of another type');
    const queue = new Queue('tasks', { connection: client as Redis, prefix: keys.jobs, skipVersionCheck: true });
    const data = { kind: 'discard', selection: { filter: {} }, reason: 'x', by: 'ann', tenant: null, ratePerSecond: 1 };
    await queue.add('discard', { ...data, askedAtMs: Date.now() }, { jobId: 'broken', attempts: 1 });
    installation.startRunner();
    expect(await ended('broken')).toMatchObject({ state: 'failed', error: expect.stringContaining('WRONGTYPE') });
    await eventually(async () =>
      expect(await auditLines()).toEqual([
        expect.objectContaining({
          action: 'dead-letters.discard',
          count: 0,
          result: 'failed',
          filter: { task: 'broken' },
        }),
      ]),
    );
    await queue.close();
  });
});

test('tasks are listed latest first', async () => {
  const { tasks } = installation.jobs;
  const ids = await installation.bury(1);
  for (const reason of ['one', 'two', 'three']) await tasks.start({ kind: 'rehearse', selection: { ids }, reason });
  const page = await tasks.list({ limit: 2 });
  expect(page.total).toBe(3);
  expect(page.items).toHaveLength(2);
  expect(await tasks.get('unknown')).toBeNull();
});

test.each([
  ['without a reason', { reason: ' ' }],
  ['with a rate of nothing', { ratePerSecond: 0 }],
  ['without ids', { selection: { ids: [] } }],
  ['with what is no id', { selection: { ids: ['e1'] } }],
])('a task %s is refused', async (_, fields) => {
  const request = { kind: 'redrive', selection: { filter: {} }, reason: 'test', ...fields } as const;
  await expect(installation.jobs.tasks.start(request)).rejects.toThrow(InvalidTaskError);
});
