import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ChildApp, eventually, seriesValue, tokenFor } from '@rejoin/testing';
import { System } from './system.ts';

jest.setTimeout(120_000);

/** Stands in the data of every event here, so nothing that an operator reads may contain it. */
const PAYLOAD = 'a-payload-that-nobody-logs';
const TENANT = 'observed';
const SERVICE_TOKEN = tokenFor({ tenant: TENANT, sub: 'orders', scope: 'events:publish' });

let system: System;
let ops: ChildApp;
let demo: ChildApp;
beforeAll(async () => {
  system = await System.start({ gateways: 1, env: { LOG_LEVEL: 'trace' } });
  ops = await system.startApp('ops');
  demo = await system.startApp('demo', { DEMO_PORT: '0' });
});
afterAll(() => system.stop());

const gateway = (): ChildApp => system.gateways[0] as ChildApp;
const worker = (): ChildApp => system.workers[0] as ChildApp;

async function metricsOf(app: ChildApp): Promise<string> {
  const response = await fetch(`${app.url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return response.text();
}

/** Whether a metric of an app has a value, now or soon. */
async function expectSeries(app: ChildApp, name: string, labels: Record<string, string>, value: number): Promise<void> {
  await eventually(async () => {
    expect([name, labels, seriesValue(await metricsOf(app), name, labels)]).toEqual([name, labels, value]);
  });
}

async function publish(id: string, changes: object = {}): Promise<void> {
  const event = { specversion: '1.0', id, source: '/orders', type: 'order.paid', tenantid: TENANT, audience: 'tenant' };
  const response = await fetch(`${ops.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SERVICE_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...event, data: { secret: PAYLOAD }, ...changes }),
  });
  expect(response.status).toBe(202);
}

describe('the telemetry of running processes', () => {
  it('tells the way of events, a duplicate, a dead letter, and a client that came back', async () => {
    const client = system.connect({ tenant: TENANT, user: 'u-1', auth: { events: ['order.*'] } });
    await client.ready();
    await publish('a-1');
    await publish('a-1');
    await publish('unwanted', { type: 'tenant.renamed' });
    await publish('dead', { audience: undefined, type: 'nobody.knows' });
    await client.delivered(['a-1']);
    // Else the cut may come before it, and it is dropped in the replay alone.
    await expectSeries(gateway(), 'rejoin_gateway_deliveries_total', { result: 'filtered' }, 1);
    client.cut();
    await client.ready(2);

    await expectSeries(ops, 'rejoin_publish_events_total', { result: 'appended' }, 3);
    await expectSeries(ops, 'rejoin_publish_events_total', { result: 'duplicate' }, 1);
    await expectSeries(worker(), 'rejoin_dead_letters_total', { reason: 'NO_AUDIENCE_RULE' }, 1);
    const partition = String(system.keysOf(TENANT).partition);
    await expectSeries(worker(), 'rejoin_partition_owner_info', { partition }, 1);
    await expectSeries(ops, 'rejoin_group_lag_entries', { partition }, 0);
    await expectSeries(ops, 'rejoin_group_oldest_undelivered_age_seconds', { partition }, 0);
    await expectSeries(ops, 'rejoin_group_pending_entries', { partition }, 0);
    await expectSeries(ops, 'rejoin_dead_letter_entries', { partition }, 1);
    await expectSeries(ops, 'rejoin_replay_window_seconds', { partition }, 86_400);
    await expectSeries(gateway(), 'rejoin_gateway_deliveries_total', { result: 'live' }, 1);
    // Once live, and once more in the replay.
    await expectSeries(gateway(), 'rejoin_gateway_deliveries_total', { result: 'filtered' }, 2);
    await expectSeries(gateway(), 'rejoin_gateway_connections', {}, 1);
    await expectSeries(gateway(), 'rejoin_resume_total', { result: 'complete' }, 1);
    await expectSeries(gateway(), 'rejoin_resume_duration_seconds_count', {}, 1);
    for (const app of [gateway(), worker(), ops, demo]) await expectSeries(app, 'rejoin_ready', {}, 1);

    // Two live entries were read, together or one by one; none took longer than this test.
    const text = await metricsOf(gateway());
    expect(seriesValue(text, 'rejoin_delivery_latency_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(seriesValue(text, 'rejoin_delivery_latency_seconds_sum')).toBeLessThan(60);
    expect(seriesValue(await metricsOf(worker()), 'rejoin_fanout_batch_size_sum')).toBeGreaterThanOrEqual(3);
  });

  it('names entries and connections in logs, and never a payload or a token', () => {
    const lines = [gateway(), worker(), ops, demo].flatMap(({ lines: written }) => written);
    const text = lines.map((line) => line.text).join('\n');
    expect(lines.every(({ stream, json }) => stream === 'stderr' || json !== null)).toBe(true);
    expect(text).toContain('"code":"NO_AUDIENCE_RULE"');
    expect(text).not.toContain(PAYLOAD);
    // Every JWT begins so: it is the beginning of {"alg":…
    expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}/);
  });

  it('tells what waits while no worker owns the partitions, and nothing of it while Redis does not answer', async () => {
    await system.stopApp(worker());
    await publish('waits');
    const partition = String(system.keysOf(TENANT).partition);
    await expectSeries(ops, 'rejoin_group_lag_entries', { partition }, 1);
    expect(
      seriesValue(await metricsOf(ops), 'rejoin_group_oldest_undelivered_age_seconds', { partition }),
    ).toBeGreaterThan(0);
    system.redis.pause();
    try {
      // A sample that was taken just before is still told.
      const text = await eventually(async () => {
        const scraped = await metricsOf(ops);
        expect(seriesValue(scraped, 'rejoin_group_lag_entries')).toBeUndefined();
        return scraped;
      });
      expect(seriesValue(text, 'process_cpu_seconds_total')).toBeGreaterThan(0);
    } finally {
      system.redis.continue();
    }
    await system.startWorker();
    await expectSeries(ops, 'rejoin_group_lag_entries', { partition }, 0);
  });
});
