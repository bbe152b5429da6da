import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deadLetterAction, deadLetterCounts, deadLetterDetail, deadLettersPage, tasksPage } from '@rejoin/operations';
import { partitionOf } from '@rejoin/protocol';
import { type DeadLetterCode, deadLetterRecord, writeDeadLetter } from '@rejoin/streams';
import { eventually } from '@rejoin/testing';
import * as v from 'valibot';
import { ACME_OPERATOR, OperationsFixture, READER } from './operations-fixture.ts';
import { problem, SERVICE } from './running-ops.ts';

let fixture: OperationsFixture;
const START_MS = Date.now() - 60_000;
let made = 0;

/** Puts a dead letter where a worker would; returns its id. */
async function bury(tenant: string, code: DeadLetterCode, type = 'odd.thing'): Promise<string> {
  made += 1;
  const partition = partitionOf(tenant, 8);
  const [entryId, failedAtMs] = [`${START_MS + made}-0` as const, START_MS + made];
  const parsed = { specversion: '1.0', id: `d-${made}`, source: '/o', type, tenantid: tenant, data: { secret: made } };
  const message = `no rule for "${type}"`;
  const record = deadLetterRecord({ entryId, event: JSON.stringify(parsed), parsed, code, message, failedAtMs });
  const pipeline = fixture.client.pipeline();
  writeDeadLetter(pipeline, fixture.keys.partition(partition), { entryId, record, failedAtMs });
  await pipeline.exec();
  return `${partition}.${entryId}`;
}

const ended = (id: string) =>
  eventually(async () => {
    const { status, body } = await fixture.get(`/v1/dead-letters/tasks/${id}`);
    expect({ status, body }).toMatchObject({ status: 200 });
    return ['waiting', 'running'].includes(body.state) ? null : body;
  });

beforeAll(async () => {
  fixture = await OperationsFixture.start();
  fixture.startTasks();
  for (let i = 0; i < 6; i++) await bury('acme', 'NO_AUDIENCE_RULE');
  for (let i = 0; i < 3; i++) await bury('bolt', 'AUDIENCE_TEMPLATE', 'order.paid');
});

afterAll(() => fixture.stop());

describe('dead letters over HTTP', () => {
  it('are listed latest first, in pages, filtered on the server', async () => {
    const { body } = await fixture.get('/v1/dead-letters?limit=4');
    expect(v.parse(deadLettersPage, body)).toEqual(body);
    expect(body).toMatchObject({
      total: 9,
      items: [{ eventId: 'd-9' }, { eventId: 'd-8' }, { eventId: 'd-7' }, { eventId: 'd-6' }],
    });
    const rest = await fixture.get(`/v1/dead-letters?limit=40&after=${body.next}`);
    expect(rest.body.items.map(({ eventId }: { eventId: string }) => eventId)).toEqual([
      'd-5',
      'd-4',
      'd-3',
      'd-2',
      'd-1',
    ]);
    expect((await fixture.get('/v1/dead-letters?tenant=bolt&type=order.*')).body.items).toHaveLength(3);
    expect((await fixture.get('/v1/dead-letters?code=INVALID_JSON')).body.items).toEqual([]);
    expect((await fixture.get('/v1/dead-letters?since=1s')).body.items).toEqual([]);
    expect(await fixture.get('/v1/dead-letters?after=nonsense')).toMatchObject(problem(400, 'INVALID_REQUEST'));
  });

  it('are counted by cause, and by tenant and type', async () => {
    const { body } = await fixture.get('/v1/dead-letters/groups');
    expect(v.parse(deadLetterCounts, body)).toEqual(body);
    expect(body).toMatchObject({
      matched: 9,
      complete: true,
      groups: [{ code: 'NO_AUDIENCE_RULE', count: 6 }, { count: 3 }],
    });
    expect(body.tenants[0]).toEqual({ tenant: 'acme', type: 'odd.thing', count: 6 });
  });

  it('show their event to who asks for it, which is audited, and what the rules of today make of it', async () => {
    const id = await bury('bolt', 'NO_AUDIENCE_RULE', 'tenant.renamed');
    const masked = await fixture.get(`/v1/dead-letters/${id}`);
    expect(v.parse(deadLetterDetail, masked.body)).toEqual(masked.body);
    expect(masked.body).not.toHaveProperty('event');
    expect(masked.body.rehearsal).toEqual({ audience: ['tenant'], refusal: null });
    const unexplained = await fixture.get(`/v1/dead-letters/${id}?payload=1`);
    expect(unexplained).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    const shown = await fixture.get(`/v1/dead-letters/${id}?payload=1&reason=ticket`);
    expect(JSON.parse(shown.body.event)).toMatchObject({ data: { secret: expect.any(Number) } });
    const { body } = await fixture.get('/v1/audit?action=payload.show');
    expect(body.items).toMatchObject([{ by: 'rita', reason: 'ticket', filter: { deadLetter: id } }]);
    await fixture.post('/v1/dead-letters/discard', { ids: [id], reason: 'of this test' });
  });

  it('are redriven by filter: first the plan, then a task with its progress', async () => {
    const asked = { filter: { tenant: 'bolt', code: 'AUDIENCE_TEMPLATE' }, reason: 'the rule is mended' };
    const dry = await fixture.post('/v1/dead-letters/redrive', { ...asked, dryRun: true });
    expect(v.parse(deadLetterAction, dry.body)).toEqual(dry.body);
    expect(dry.body).toMatchObject({
      dryRun: true,
      task: null,
      plan: { matched: 3, tenants: [{ tenant: 'bolt', type: 'order.paid', count: 3 }] },
    });
    expect((await fixture.get('/v1/dead-letters?tenant=bolt&code=AUDIENCE_TEMPLATE')).body.items).toHaveLength(3);
    const { body } = await fixture.post('/v1/dead-letters/redrive', { ...asked, ratePerSecond: 1_000 });
    const task = await ended(body.task.id);
    expect(task).toMatchObject({
      kind: 'redrive',
      state: 'done',
      total: 3,
      handled: 3,
      outcomes: { redriven: 3, refused: 0 },
      by: 'olga',
    });
    expect((await fixture.get('/v1/dead-letters?tenant=bolt&code=AUDIENCE_TEMPLATE')).body.items).toEqual([]);
    const waiting = await fixture.get('/v1/events?tenant=bolt&stage=waiting');
    expect(waiting.body.items).toHaveLength(3);
    const lines = (await fixture.get('/v1/audit?action=dead-letters.redrive')).body.items;
    expect(lines).toMatchObject([
      { result: 'done', count: 3 },
      { result: 'started', count: 3, reason: 'the rule is mended' },
    ]);
  });

  it('are discarded by id, leaving word of why', async () => {
    const id = await bury('acme', 'INVALID_EVENT');
    const { body } = await fixture.post('/v1/dead-letters/discard', { ids: [id], reason: 'a test event' });
    expect(await ended(body.task.id)).toMatchObject({ state: 'done', outcomes: { discarded: 1 } });
    const gone = await fixture.get(`/v1/dead-letters/${id}`);
    expect(gone).toMatchObject(problem(404, 'NOT_FOUND'));
    expect(gone.body.detail).toContain('a test event');
  });

  it('a slow redrive can be cancelled, and what it did not reach stays', async () => {
    const { body } = await fixture.post('/v1/dead-letters/redrive', {
      filter: { tenant: 'acme' },
      reason: 'slowly',
      ratePerSecond: 1,
    });
    await fixture.post(`/v1/dead-letters/tasks/${body.task.id}/cancel`, { reason: 'too early' });
    const task = await ended(body.task.id);
    expect(task.state).toBe('cancelled');
    expect(task.handled).toBeLessThan(6);
    expect((await fixture.get('/v1/dead-letters?tenant=acme')).body.items).toHaveLength(6 - task.handled);
    const tasks = await fixture.get('/v1/dead-letters/tasks');
    expect(v.parse(tasksPage, tasks.body)).toEqual(tasks.body);
    expect(tasks.body.items[0]).toMatchObject({ id: task.id });
  });
});

describe('tasks', () => {
  it('survive the process that they were asked of: another one follows, cancels and lists them', async () => {
    const id = await bury('acme', 'INVALID_EVENT');
    const other = await OperationsFixture.start({ REJOIN_PREFIX: fixture.ops.prefix });
    let task: { id: string };
    try {
      const asked = { ids: [id], reason: 'from elsewhere', ratePerSecond: 5 };
      ({ task } = (await other.post('/v1/dead-letters/discard', asked)).body);
    } finally {
      await other.stop();
    }
    expect(await ended(task.id)).toMatchObject({ state: 'done', total: 1, by: 'olga', outcomes: { discarded: 1 } });
    expect((await fixture.get('/v1/dead-letters/tasks')).body.items[0]).toMatchObject({ id: task.id });
    const late = await fixture.post(`/v1/dead-letters/tasks/${task.id}/cancel`, { reason: 'too late' });
    expect(late.body).toMatchObject({ state: 'done' });
    const [end] = (await fixture.get('/v1/audit?action=dead-letters.discard')).body.items;
    expect(end).toMatchObject({ result: 'done', count: 1, by: 'olga', filter: { task: task.id } });
    expect(await fixture.get('/v1/dead-letters/tasks/unknown')).toMatchObject(problem(404, 'NOT_FOUND'));
  });
});

describe('who may', () => {
  it('nobody without the scope looks or acts', async () => {
    expect(await fixture.get('/v1/dead-letters', SERVICE)).toMatchObject(problem(403, 'FORBIDDEN'));
    for (const action of ['redrive', 'discard']) {
      const answer = await fixture.post(`/v1/dead-letters/${action}`, { filter: {}, reason: 'no' }, READER);
      expect(answer).toMatchObject(problem(403, 'FORBIDDEN'));
    }
  });

  it('a token of one tenant sees, counts, redrives and discards nothing of another', async () => {
    const id = await bury('bolt', 'INVALID_EVENT');
    const own = await fixture.get('/v1/dead-letters', ACME_OPERATOR);
    expect(own.body.total).toBeNull();
    expect(new Set(own.body.items.map(({ tenant }: { tenant: string }) => tenant))).toEqual(new Set(['acme']));
    expect(await fixture.get('/v1/dead-letters?tenant=bolt', ACME_OPERATOR)).toMatchObject(
      problem(403, 'TENANT_FORBIDDEN'),
    );
    expect(await fixture.get(`/v1/dead-letters/${id}`, ACME_OPERATOR)).toMatchObject(problem(404, 'NOT_FOUND'));
    const counted = await fixture.get('/v1/dead-letters/groups', ACME_OPERATOR);
    expect(counted.body.tenants.every(({ tenant }: { tenant: string }) => tenant === 'acme')).toBe(true);
    const byId = await fixture.post('/v1/dead-letters/discard', { ids: [id], reason: 'no' }, ACME_OPERATOR);
    expect(byId).toMatchObject(problem(404, 'NOT_FOUND'));
    const all = await fixture.post('/v1/dead-letters/discard', { filter: {}, reason: 'mine' }, ACME_OPERATOR);
    await ended(all.body.task.id);
    expect((await fixture.get(`/v1/dead-letters/${id}`)).status).toBe(200);
    expect((await fixture.get('/v1/dead-letters?tenant=acme')).body.items).toEqual([]);
    const foreign = (await fixture.get('/v1/dead-letters/tasks', ACME_OPERATOR)).body.items;
    expect(foreign.map(({ by }: { by: string }) => by)).toEqual(['anna']);
    const task = (await fixture.get('/v1/dead-letters/tasks')).body.items.find(
      ({ by }: { by: string }) => by === 'olga',
    );
    expect(await fixture.get(`/v1/dead-letters/tasks/${task.id}`, ACME_OPERATOR)).toMatchObject(
      problem(404, 'NOT_FOUND'),
    );
    const cancel = { reason: 'not mine' };
    const cancelled = await fixture.post(`/v1/dead-letters/tasks/${task.id}/cancel`, cancel, ACME_OPERATOR);
    expect(cancelled).toMatchObject(problem(404, 'NOT_FOUND'));
  });

  it('both ids and filter, or neither, or no reason, is refused', async () => {
    for (const body of [
      { reason: 'x' },
      { ids: ['0.1-0'], filter: {}, reason: 'x' },
      { filter: {} },
      { ids: ['nonsense'], reason: 'x' },
    ]) {
      expect(await fixture.post('/v1/dead-letters/redrive', body)).toMatchObject(problem(400, 'INVALID_REQUEST'));
    }
  });
});
