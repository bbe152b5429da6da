import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditPage, partitionDetail, partitionsPage, pauseOutcome, pendingPage } from '@rejoin/operations';
import { FeedWriter } from '@rejoin/testing';
import * as v from 'valibot';
import { ACME_OPERATOR, OPERATOR, OperationsFixture, READER } from './operations-fixture.ts';
import { problem, SERVICE } from './running-ops.ts';

let fixture: OperationsFixture;

beforeAll(async () => {
  fixture = await OperationsFixture.start();
});

afterAll(() => fixture.stop());

describe('partitions over HTTP', () => {
  it('answers in the described form, one item per partition', async () => {
    const { status, body } = await fixture.get('/v1/partitions');
    expect(status).toBe(200);
    expect(v.parse(partitionsPage, body)).toEqual(body);
    expect(body.items.map(({ partition }: { partition: number }) => partition)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(body.items[3]).toMatchObject({ status: 'OK', lag: { value: 0, exact: true }, owner: null, pending: 0 });
  });

  it('counts what waits and what is pending, and tells their ages apart', async () => {
    const writer = await FeedWriter.open(fixture.client, fixture.keys.partition(2));
    await writer.take([
      { id: 'p-1', rooms: [] },
      { id: 'p-2', rooms: [] },
    ]);
    await fixture.client.xadd(fixture.keys.partition(2).events, '*', 'event', '{}');
    const { body } = await fixture.get('/v1/partitions/2');
    expect(v.parse(partitionDetail, body)).toEqual(body);
    expect(body).toMatchObject({ backlog: 3, pending: 2, lag: { value: 1, exact: true }, lease: { token: '1-test' } });
    expect(body.oldestUndeliveredAgeMs).toBeGreaterThanOrEqual(0);
    expect(body.oldestUnackedAgeMs).toBeGreaterThanOrEqual(body.oldestUndeliveredAgeMs);
    const pending = await fixture.get('/v1/partitions/2/pending');
    expect(v.parse(pendingPage, pending.body)).toEqual(pending.body);
    expect(pending.body.items.map(({ eventId, deliveries }: Record<string, unknown>) => [eventId, deliveries])).toEqual(
      [
        ['p-1', 1],
        ['p-2', 1],
      ],
    );
    const again = await fixture.get('/v1/partitions/2/pending?limit=1');
    expect(again.body.items[0]).toMatchObject({ eventId: 'p-1', deliveries: 1 });
    const rest = await fixture.get(`/v1/partitions/2/pending?limit=1&after=${again.body.next}`);
    expect(rest.body.items[0]).toMatchObject({ eventId: 'p-2' });
  });

  it('pages in the order that is asked for', async () => {
    const first = await fixture.get('/v1/partitions?sort=pending&limit=3');
    expect(first.body.items[0]).toMatchObject({ partition: 2 });
    const ids = first.body.items.map(({ partition }: { partition: number }) => partition);
    const second = await fixture.get(`/v1/partitions?sort=pending&limit=100&after=${first.body.next}`);
    for (const { partition } of second.body.items) ids.push(partition);
    expect(second.body.next).toBeNull();
    expect([...ids].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('pauses for a time and resumes, with a reason that the audit keeps; a dry run changes nothing', async () => {
    const asked = { durationMs: 60_000, reason: 'a migration' };
    const dry = await fixture.post('/v1/partitions/5/pause', { ...asked, dryRun: true });
    expect(dry.body).toMatchObject({ dryRun: true, changed: true });
    expect((await fixture.get('/v1/partitions/5')).body.paused).toBeNull();
    const paused = await fixture.post('/v1/partitions/5/pause', asked);
    expect(v.parse(pauseOutcome, paused.body)).toEqual(paused.body);
    expect(paused.body.pause).toMatchObject({ reason: 'a migration', by: 'olga' });
    expect(await fixture.client.exists(fixture.keys.partition(5).paused)).toBe(1);
    const resumed = await fixture.post('/v1/partitions/5/resume', { reason: 'it is over' });
    expect(resumed.body).toMatchObject({ changed: true, pause: null });
    expect(await fixture.client.exists(fixture.keys.partition(5).paused)).toBe(0);
    const { body } = await fixture.get('/v1/audit');
    expect(v.parse(auditPage, body)).toEqual(body);
    expect(body.items.map(({ action, by, reason }: Record<string, unknown>) => [action, by, reason])).toEqual([
      ['partition.resume', 'olga', 'it is over'],
      ['partition.pause', 'olga', 'a migration'],
    ]);
    expect((await fixture.get('/v1/audit?action=partition.pause')).body.items).toHaveLength(1);
    expect((await fixture.get('/v1/audit?by=nobody')).body.items).toEqual([]);
  });
});

describe('who may', () => {
  it.each([
    '/v1/partitions',
    '/v1/partitions/0',
    '/v1/partitions/0/pending',
    '/v1/audit',
    '/v1/settings',
    '/v1/session',
    '/v1/events',
    '/v1/events/e-1/trace',
    '/v1/connections',
    '/v1/coverage',
  ])('nobody looks at %s without a token, or with one for publishing alone', async (path) => {
    expect(await fixture.get(path, null)).toMatchObject(problem(401, 'AUTH_REQUIRED'));
    expect(await fixture.get(path, SERVICE)).toMatchObject(problem(403, 'FORBIDDEN'));
  });

  it('nobody acts who may only look', async () => {
    const asked = { durationMs: 1_000, reason: 'no' };
    expect(await fixture.post('/v1/partitions/0/pause', asked, READER)).toMatchObject(problem(403, 'FORBIDDEN'));
    expect(await fixture.client.exists(fixture.keys.partition(0).paused)).toBe(0);
  });

  it.each(['/v1/partitions', '/v1/partitions/0', '/v1/audit', '/v1/coverage'])(
    'a token of one tenant does not see %s',
    async (path) => {
      expect(await fixture.get(path, ACME_OPERATOR)).toMatchObject(problem(403, 'TENANT_FORBIDDEN'));
    },
  );

  it('a token of one tenant cannot pause what all tenants of a partition share', async () => {
    const asked = { durationMs: 1_000, reason: 'no' };
    expect(await fixture.post('/v1/partitions/0/pause', asked, ACME_OPERATOR)).toMatchObject(
      problem(403, 'TENANT_FORBIDDEN'),
    );
  });
});

describe('what makes no sense', () => {
  it.each([
    '/v1/partitions?sort=colour',
    '/v1/partitions?limit=0',
    '/v1/partitions?limit=1000',
    '/v1/partitions?nonsense=1',
    '/v1/partitions?after=bm8',
    '/v1/partitions/one',
    '/v1/events?since=yesterday',
    '/v1/events?audience=order:1',
  ])('is refused with a reason: %s', async (path) => {
    expect(await fixture.get(path)).toMatchObject(problem(400, 'INVALID_REQUEST'));
  });

  it('a partition that is not there is not found', async () => {
    expect(await fixture.get('/v1/partitions/8')).toMatchObject(problem(404, 'NOT_FOUND'));
    expect(await fixture.get('/v1/partitions/8/pending')).toMatchObject(problem(404, 'NOT_FOUND'));
  });

  it('a change without a reason, or without an end, is refused', async () => {
    const noReason = await fixture.post('/v1/partitions/0/pause', { durationMs: 1_000 });
    expect(noReason).toMatchObject({ status: 400, body: { errors: [{ path: 'reason' }] } });
    const noEnd = await fixture.post('/v1/partitions/0/pause', { reason: 'for ever' });
    expect(noEnd).toMatchObject({ status: 400, body: { errors: [{ path: 'durationMs' }] } });
    expect(await fixture.post('/v1/partitions/0/pause', { reason: ' ', durationMs: 1 })).toMatchObject(
      problem(400, 'INVALID_REQUEST'),
    );
  });
});

it('says who asks, how things are set up, and what there is to ask', async () => {
  const session = await fixture.get('/v1/session', OPERATOR);
  expect(session.body).toMatchObject({ user: 'olga', tenant: null, scopes: ['ops:read', 'ops:write'] });
  const settings = await fixture.get('/v1/settings');
  expect(settings.body).toMatchObject({ partitions: 8, replayWindowMs: 86_400_000 });
  const { status, body } = await fixture.get('/v1/openapi.json', null);
  expect(status).toBe(200);
  expect(body).toMatchObject({ openapi: '3.0.0', paths: { '/v1/partitions/{partition}/pause': { post: {} } } });
  const listed = body.paths['/v1/partitions'].get;
  expect(listed.parameters.map(({ name }: { name: string }) => name)).toEqual([
    'status',
    'sort',
    'order',
    'limit',
    'after',
  ]);
  expect(listed.responses[200].content['application/json'].schema.properties.items.type).toBe('array');
});
