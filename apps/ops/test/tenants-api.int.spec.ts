import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tenantsPage } from '@rejoin/operations';
import { partitionOf } from '@rejoin/protocol';
import { eventually, FeedWriter, seriesValue } from '@rejoin/testing';
import * as v from 'valibot';
import { ACME_OPERATOR, OperationsFixture } from './operations-fixture.ts';
import { problem, SERVICE } from './running-ops.ts';

let fixture: OperationsFixture;

beforeAll(async () => {
  fixture = await OperationsFixture.start();
  for (const [tenant, events, rooms] of [
    ['acme', 2, ['t:acme/a', 't:acme/b', 't:acme/c']],
    ['zenith', 5, ['t:zenith/a']],
  ] as const) {
    const writer = await FeedWriter.open(fixture.client, fixture.keys.partition(partitionOf(tenant, 8)));
    await writer.write(Array.from({ length: events }, (_, i) => ({ id: `${tenant}-${i}`, tenant, rooms })));
  }
});

afterAll(() => fixture.stop());

describe('tenants over HTTP', () => {
  it('are ranked on the server, in the described form', async () => {
    const { status, body } = await fixture.get('/v1/tenants?limit=1');
    expect(status).toBe(200);
    expect(v.parse(tenantsPage, body)).toEqual(body);
    expect(body).toMatchObject({ scanned: 7, total: 7, items: [{ tenant: 'zenith', events: 5, rooms: 5 }] });
    const rest = await fixture.get(`/v1/tenants?limit=1&after=${body.next}`);
    expect(rest.body).toMatchObject({ next: null, items: [{ tenant: 'acme', events: 2, rooms: 6 }] });
    const { body: byRooms } = await fixture.get('/v1/tenants?sort=rooms');
    expect(byRooms.items.map(({ tenant }: { tenant: string }) => tenant)).toEqual(['acme', 'zenith']);
    expect(await fixture.get('/v1/tenants?sort=charm')).toMatchObject(problem(400, 'INVALID_REQUEST'));
  });

  it('are part of the API’s own description', async () => {
    const { body } = await fixture.get('/v1/openapi.json', null);
    const { parameters } = body.paths['/v1/tenants'].get;
    expect(parameters.map(({ name }: { name: string }) => name).sort()).toEqual(['after', 'limit', 'order', 'sort']);
  });

  it('are for who may look, and a token of one tenant sees no other', async () => {
    expect(await fixture.get('/v1/tenants', null)).toMatchObject(problem(401, 'AUTH_REQUIRED'));
    expect(await fixture.get('/v1/tenants', SERVICE)).toMatchObject(problem(403, 'FORBIDDEN'));
    const own = await fixture.get('/v1/tenants', ACME_OPERATOR);
    expect(own.body).toMatchObject({ scanned: 2, total: null, items: [{ tenant: 'acme' }] });
    expect(JSON.stringify(own.body)).not.toContain('zenith');
  });

  it('are in the metrics, once their entries are of more than a second', async () => {
    await eventually(async () => {
      const text = await (await fetch(`${fixture.ops.url}/metrics`)).text();
      const perSecond = seriesValue(text, 'rejoin_tenant_events_per_second', { tenant: 'zenith' }) ?? 0;
      return perSecond > (seriesValue(text, 'rejoin_tenant_events_per_second', { tenant: 'acme' }) ?? perSecond);
    });
  });
});
