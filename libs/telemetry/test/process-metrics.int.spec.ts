import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parseExposition, seriesValue } from '@rejoin/testing';
import { METRICS } from '../src/catalogue.ts';
import { type GatewayFacts, gatewayMetrics } from '../src/gateway-metrics.ts';
import { type PartitionFacts, partitionMetrics } from '../src/partition-metrics.ts';
import { ProcessMetrics } from '../src/process-metrics.ts';
import { publisherMetrics } from '../src/publisher-metrics.ts';
import { readinessMetrics } from '../src/readiness-metrics.ts';
import { tenantMetrics } from '../src/tenant-metrics.ts';
import { workerMetrics } from '../src/worker-metrics.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function serve(metrics: ProcessMetrics): Promise<string> {
  const server = createServer((request, response) => {
    if (!metrics.answer(request, response)) response.writeHead(404).end();
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const GATEWAY: GatewayFacts = {
  connections: 3,
  replaying: 1,
  bufferedBytes: 4_096,
  deliveries: { live: 10, replayed: 2, filtered: 1, missed: 0 },
};
const PARTITION: PartitionFacts = {
  partition: 3,
  length: 12,
  lag: { value: 5, exact: true },
  oldestUndeliveredAgeMs: 1_500,
  oldestUnackedAgeMs: null,
  pending: 0,
  parked: 1,
  deadLetters: 2,
  paused: true,
  feedBytes: 9_000,
  coveredMs: 3_600_000,
};
const COUNTERS = {
  delivered: 7,
  duplicates: 1,
  dead: 2,
  parked: 4,
  redelivered: 3,
  failures: 1,
  staleBatches: 0,
  fenced: 0,
  historyBreaks: 0,
  deadByCode: new Map([['INVALID_JSON', 2]]),
};

describe('the metrics of a process', () => {
  it('are served in the text format, with its content type', async () => {
    const metrics = new ProcessMetrics();
    readinessMetrics(metrics, () => true);
    const response = await fetch(`${await serve(metrics)}/metrics?anything`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(seriesValue(await response.text(), 'rejoin_ready')).toBe(1);
  });

  it('answer GET alone, and nothing but their own path', async () => {
    const url = await serve(new ProcessMetrics());
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/metricsx`)).status).toBe(404);
  });

  it('are served without what cannot be read now', async () => {
    const metrics = new ProcessMetrics();
    readinessMetrics(metrics, () => false);
    let away = false;
    partitionMetrics(metrics, () => (away ? Promise.reject(new Error('Redis is away')) : Promise.resolve([PARTITION])));
    expect(seriesValue(await metrics.text(), 'rejoin_stream_entries', { partition: '3' })).toBe(12);
    away = true;
    const text = await metrics.text();
    expect(seriesValue(text, 'rejoin_stream_entries')).toBeUndefined();
    expect(seriesValue(text, 'rejoin_ready')).toBe(0);
  });

  it('tell of the process: CPU, memory, event loop, garbage collection; and nothing that counts every handle', async () => {
    const { samples, types } = parseExposition(await new ProcessMetrics().text());
    const names = new Set(samples.map(({ name }) => name));
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_heap_size_used_bytes',
    ]) {
      expect(names).toContain(name);
    }
    expect(types.get('nodejs_gc_duration_seconds')).toBe('histogram');
    expect([...types.keys()].filter((name) => name.startsWith('nodejs_active'))).toEqual([]);
  });

  it('are absent while what they tell of is not there', async () => {
    const metrics = new ProcessMetrics();
    gatewayMetrics(metrics, () => undefined);
    workerMetrics(metrics, () => undefined);
    const { samples } = parseExposition(await metrics.text());
    const gauges = Object.entries(METRICS).flatMap(([name, { type }]) => (type === 'gauge' ? [name] : []));
    expect(samples.filter(({ name }) => gauges.includes(name))).toEqual([]);
  });

  it('have the type and help of the catalogue', async () => {
    const metrics = new ProcessMetrics();
    readinessMetrics(metrics, () => true);
    gatewayMetrics(metrics, () => GATEWAY);
    workerMetrics(metrics, () => ({ workerId: 'w', owned: [0], counters: COUNTERS }));
    publisherMetrics(metrics);
    const { types, helps } = parseExposition(await metrics.text());
    const ours = [...types.keys()].filter((name) => name.startsWith('rejoin_'));
    expect(ours.length).toBeGreaterThan(15);
    for (const name of ours) {
      const { type, help } = METRICS[name as keyof typeof METRICS];
      expect({ name, type: types.get(name), help: helps.get(name) }).toEqual({ name, type, help });
    }
  });
});

describe('the metrics of a gateway', () => {
  it('read what it holds when they are asked for, and count what it tells', async () => {
    const metrics = new ProcessMetrics();
    let facts = GATEWAY;
    const listener = gatewayMetrics(metrics, () => facts);
    listener.onDelivered(20);
    listener.onDelivered(-5);
    listener.onResumed({ result: 'complete', durationMs: 30 });
    listener.onResumed({ result: 'gap', reason: 'window', durationMs: 40 });
    listener.onResumed({ result: 'gone', durationMs: 50_000 });
    listener.onLimited('handshakes_per_user');
    listener.onHole(3, 'predecessor');
    facts = { ...GATEWAY, connections: 5 };
    const text = await metrics.text();
    expect(seriesValue(text, 'rejoin_gateway_connections')).toBe(5);
    expect(seriesValue(text, 'rejoin_gateway_buffered_bytes')).toBe(4_096);
    expect(seriesValue(text, 'rejoin_gateway_deliveries_total', { result: 'live' })).toBe(10);
    expect(seriesValue(text, 'rejoin_gateway_deliveries_total', { result: 'missed' })).toBe(0);
    // Of two clocks that differ, less than nothing is nothing.
    expect(seriesValue(text, 'rejoin_delivery_latency_seconds_count')).toBe(2);
    expect(seriesValue(text, 'rejoin_delivery_latency_seconds_sum')).toBeCloseTo(0.02);
    expect(seriesValue(text, 'rejoin_resume_total', { result: 'gap' })).toBe(1);
    expect(seriesValue(text, 'rejoin_resume_gaps_total', { reason: 'window' })).toBe(1);
    // A client that went away says nothing of how long a resume takes.
    expect(seriesValue(text, 'rejoin_resume_duration_seconds_count')).toBe(2);
    expect(seriesValue(text, 'rejoin_rate_limited_total', { scope: 'handshakes_per_user' })).toBe(1);
    expect(seriesValue(text, 'rejoin_tail_holes_total', { reason: 'predecessor' })).toBe(1);
  });
});

describe('the metrics of a worker', () => {
  it('read its counters, and forget a partition that it gave up', async () => {
    const metrics = new ProcessMetrics();
    let owned = [0, 3];
    const { onFannedOut } = workerMetrics(metrics, () => ({ workerId: 'w-1', owned, counters: COUNTERS }));
    onFannedOut({ partition: 0, entries: 40, startedAtMs: 0, traces: [] });
    const before = await metrics.text();
    expect(seriesValue(before, 'rejoin_partition_owner_info', { partition: '3', worker: 'w-1' })).toBe(1);
    expect(seriesValue(before, 'rejoin_worker_entries_total', { result: 'delivered' })).toBe(7);
    expect(seriesValue(before, 'rejoin_dead_letters_total', { reason: 'INVALID_JSON' })).toBe(2);
    expect(seriesValue(before, 'rejoin_worker_entries_total', { result: 'parked' })).toBe(4);
    expect(seriesValue(before, 'rejoin_redeliveries_total')).toBe(3);
    expect(seriesValue(before, 'rejoin_fanout_batch_size_bucket', { le: '50' })).toBe(1);
    owned = [0];
    const after = await metrics.text();
    expect(seriesValue(after, 'rejoin_partition_owner_info', { partition: '3' })).toBeUndefined();
    // Read twice, counted once.
    expect(seriesValue(after, 'rejoin_worker_entries_total', { result: 'delivered' })).toBe(7);
  });
});

describe('the metrics of a publisher', () => {
  it('count events by what became of them', async () => {
    const metrics = new ProcessMetrics();
    const { onAppended, onFailed } = publisherMetrics(metrics);
    onAppended({ partition: 0, events: 5, duplicates: 2, durationMs: 3, traces: [] });
    onFailed();
    const text = await metrics.text();
    expect(seriesValue(text, 'rejoin_publish_events_total', { result: 'appended' })).toBe(3);
    expect(seriesValue(text, 'rejoin_publish_events_total', { result: 'duplicate' })).toBe(2);
    expect(seriesValue(text, 'rejoin_publish_events_total', { result: 'failed' })).toBe(1);
    expect(seriesValue(text, 'rejoin_publish_duration_seconds_bucket', { le: '0.005' })).toBe(1);
  });
});

describe('the metrics of partitions', () => {
  const read = async (facts: Partial<PartitionFacts>): Promise<(name: string) => number | undefined> => {
    const metrics = new ProcessMetrics();
    partitionMetrics(metrics, () => Promise.resolve([{ ...PARTITION, ...facts }]));
    const text = await metrics.text();
    return (name) => seriesValue(text, name, { partition: '3' });
  };

  it('tell entries and ages, in base units', async () => {
    const value = await read({});
    expect(value('rejoin_group_lag_entries')).toBe(5);
    expect(value('rejoin_group_lag_known')).toBe(1);
    expect(value('rejoin_group_oldest_undelivered_age_seconds')).toBe(1.5);
    expect(value('rejoin_group_oldest_unacked_age_seconds')).toBe(0);
    expect(value('rejoin_partition_paused')).toBe(1);
    expect(value('rejoin_replay_window_seconds')).toBe(3_600);
  });

  it('say 0 for an age only where it is known that nothing waits', async () => {
    const nothing = await read({ lag: { value: 0, exact: true }, oldestUndeliveredAgeMs: null });
    expect(nothing('rejoin_group_oldest_undelivered_age_seconds')).toBe(0);
    const unknown = await read({ lag: null, oldestUndeliveredAgeMs: null, pending: 4, coveredMs: null });
    expect(unknown('rejoin_group_lag_entries')).toBeUndefined();
    expect(unknown('rejoin_group_lag_known')).toBe(0);
    expect(unknown('rejoin_group_oldest_undelivered_age_seconds')).toBeUndefined();
    expect(unknown('rejoin_group_oldest_unacked_age_seconds')).toBeUndefined();
    expect(unknown('rejoin_replay_window_seconds')).toBeUndefined();
    const bound = await read({ lag: { value: 7, exact: false } });
    expect(bound('rejoin_group_lag_entries')).toBe(7);
    expect(bound('rejoin_group_lag_known')).toBe(0);
  });
});

describe('the metrics of tenants', () => {
  it('are of the ten busiest, whatever is told, and of those of now alone', async () => {
    const metrics = new ProcessMetrics();
    let first = 0;
    tenantMetrics(metrics, () =>
      Promise.resolve(
        Array.from({ length: 50 }, (_, n) => ({
          tenant: `t-${first + n}`,
          eventsPerSecond: 50 - n,
          roomWritesPerSecond: 100,
          bytesPerSecond: 2_000,
        })),
      ),
    );
    const tenantsIn = async (): Promise<unknown[]> =>
      parseExposition(await metrics.text())
        .samples.filter(({ name }) => name === 'rejoin_tenant_events_per_second')
        .map(({ labels }) => labels.tenant);
    expect(await tenantsIn()).toEqual(Array.from({ length: 10 }, (_, n) => `t-${n}`));
    first = 100;
    expect(await tenantsIn()).toEqual(Array.from({ length: 10 }, (_, n) => `t-${100 + n}`));
    const text = await metrics.text();
    expect(seriesValue(text, 'rejoin_tenant_events_per_second', { tenant: 't-101' })).toBe(49);
    expect(seriesValue(text, 'rejoin_tenant_room_writes_per_second', { tenant: 't-101' })).toBe(100);
    expect(seriesValue(text, 'rejoin_tenant_bytes_per_second', { tenant: 't-101' })).toBe(2_000);
  });
});
