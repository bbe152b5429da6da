import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { groupOutcome, groupsPage, membersPage } from '@rejoin/operations';
import * as v from 'valibot';
import { ACME_OPERATOR, OperationsFixture, READER } from './operations-fixture.ts';
import { problem } from './running-ops.ts';

let fixture: OperationsFixture;

beforeAll(async () => {
  fixture = await OperationsFixture.start();
});

afterAll(() => fixture.stop());

describe('groups over HTTP', () => {
  it('are changed after a plan that says the same, and listed in the described form', async () => {
    const change = { tenant: 'acme', group: 'night', add: ['u-1', 'u-2', 'u-2'], remove: ['u-9'], reason: 'rota' };
    const planned = await fixture.post('/v1/groups/change', { ...change, dryRun: true });
    expect(v.parse(groupOutcome, planned.body)).toEqual({ dryRun: true, added: 2, removed: 0, size: 2 });
    const done = await fixture.post('/v1/groups/change', change);
    expect(done.body).toEqual({ ...planned.body, dryRun: false });
    const swap = { tenant: 'acme', group: 'night', add: ['u-1'], remove: ['u-1', 'u-2'], reason: 'rota' };
    const swapPlan = await fixture.post('/v1/groups/change', { ...swap, dryRun: true });
    expect((await fixture.post('/v1/groups/change', swap)).body).toEqual({ ...swapPlan.body, dryRun: false });
    const { body: groups } = await fixture.get('/v1/groups?tenant=acme');
    expect(v.parse(groupsPage, groups)).toMatchObject({ items: [{ group: 'night' }], next: null });
    const { body: members } = await fixture.get('/v1/groups/members?tenant=acme&group=night');
    expect(v.parse(membersPage, members)).toMatchObject({ items: [{ user: 'u-1' }], size: 1 });
  });

  it('are paged by name', async () => {
    for (const group of ['a', 'b', 'c']) {
      await fixture.post('/v1/groups/change', { tenant: 'paged', group, add: ['u-1'], reason: 'x' });
    }
    const first = await fixture.get('/v1/groups?tenant=paged&limit=2');
    const rest = await fixture.get(`/v1/groups?tenant=paged&limit=2&after=${first.body.next}`);
    const names = [first, rest].map(({ body }) => body.items.map(({ group }: { group: string }) => group));
    expect([...names, rest.body.next]).toEqual([['a', 'b'], ['c'], null]);
  });

  it('are of one tenant, and changed by who may act there', async () => {
    const change = { tenant: 'zenith', group: 'night', add: ['u-1'], reason: 'x' };
    expect(await fixture.post('/v1/groups/change', change, ACME_OPERATOR)).toMatchObject(
      problem(403, 'TENANT_FORBIDDEN'),
    );
    expect(await fixture.post('/v1/groups/change', change, READER)).toMatchObject(problem(403, 'FORBIDDEN'));
    expect(await fixture.get('/v1/groups')).toMatchObject(problem(400, 'INVALID_REQUEST'));
    for (const bad of [{ add: [] }, { add: [''] }, { add: ['u\u0000'] }, { add: ['\ud800'], dryRun: true }]) {
      expect(await fixture.post('/v1/groups/change', { ...change, ...bad })).toMatchObject(
        problem(400, 'INVALID_REQUEST'),
      );
    }
  });
});
