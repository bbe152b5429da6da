import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tokenFor } from '@rejoin/testing';
import { problem, RunningOps, SERVICE } from './running-ops.ts';

let ops: RunningOps;
beforeAll(async () => {
  ops = await RunningOps.start();
});
afterAll(() => ops.stop());

const event = (id: string, deliverat: unknown) => ({
  specversion: '1.0',
  id,
  source: '/orders',
  type: 'order.paid',
  tenantid: 'acme',
  deliverat,
});
const later = (ms: number) => new Date(Date.now() + ms).toISOString();
const cancel = (query: string, token = SERVICE) =>
  ops.request(`/v1/events/scheduled?${query}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });

test('an event with deliverat is kept until then, once, and can be cancelled by its identity', async () => {
  const deliverAt = later(3_600_000);
  const first = await ops.publish(event('s-1', deliverAt));
  expect(first).toMatchObject({
    status: 202,
    body: { results: [{ id: 's-1', cursor: null, duplicate: false, deliverAt }] },
  });
  const again = await ops.publish(event('s-1', later(7_200_000)));
  expect(again.body).toEqual({ results: [{ id: 's-1', cursor: null, duplicate: true, deliverAt }] });
  expect(await cancel('tenantid=acme&source=/orders&id=s-1')).toMatchObject({ status: 204, body: null });
  expect(await cancel('tenantid=acme&source=/orders&id=s-1')).toMatchObject(problem(404, 'NOT_FOUND'));
});

test.each([
  ['no time', event('s-2', 'tomorrow')],
  ['a number', event('s-2', 5)],
  ['more than a year ahead', event('s-2', later(400 * 86_400_000))],
  ['in a batch', [event('s-2', later(1_000))]],
])('deliverat that is %s is refused', async (_, body) => {
  expect(await ops.publish(body)).toMatchObject(problem(400, 'INVALID_EVENT'));
});

test('nobody cancels what is another tenant’s, or without saying what', async () => {
  const token = tokenFor({ sub: 'orders', tenant: 'umbrella', scope: 'events:publish' });
  expect(await cancel('tenantid=acme&source=/orders&id=s-3', token)).toMatchObject(problem(403, 'TENANT_FORBIDDEN'));
  expect(await cancel('tenantid=acme&id=s-3')).toMatchObject(problem(400, 'INVALID_EVENT'));
});
