import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { METRICS, type MetricDefinition } from '../src/index.ts';

const metrics = Object.entries(METRICS) as [name: string, definition: MetricDefinition][];
const names = metrics.map(([name]) => name);

/** What operators were promised. */
const PROMISED = [
  'rejoin_stream_entries',
  'rejoin_group_lag_entries',
  'rejoin_group_lag_known',
  'rejoin_group_oldest_undelivered_age_seconds',
  'rejoin_group_oldest_unacked_age_seconds',
  'rejoin_group_pending_entries',
  'rejoin_partition_paused',
  'rejoin_replay_window_seconds',
  'rejoin_redeliveries_total',
  'rejoin_dead_letters_total',
  'rejoin_partition_owner_info',
  'rejoin_publish_duration_seconds',
  'rejoin_fanout_batch_size',
  'rejoin_gateway_connections',
  'rejoin_gateway_buffered_bytes',
  'rejoin_gateway_deliveries_total',
  'rejoin_delivery_latency_seconds',
  'rejoin_resume_total',
  'rejoin_resume_duration_seconds',
  'rejoin_rate_limited_total',
];

/** @see https://prometheus.io/docs/practices/naming/ */
describe('the names of metrics', () => {
  it('are all that were promised', () => {
    expect(names).toEqual(expect.arrayContaining(PROMISED));
  });

  it.each(metrics)('%s follows the conventions', (name, { type, help, labels, buckets }) => {
    expect(name).toMatch(/^rejoin(_[a-z]+)+$/);
    // `_total` is a counter's, and the suffixes of histograms nobody else's.
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_(count|sum|bucket)$/);
    // Base units: seconds and bytes, never their parts or multiples.
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb|percent)(_|$)/);
    expect(help).toMatch(/^[A-Z1].*\.$/);
    for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
    expect(buckets !== undefined).toBe(type === 'histogram');
    expect([...(buckets ?? [])]).toEqual([...(buckets ?? [])].sort((a, b) => a - b));
  });

  it('carry no label that has a value for each user, event or socket', () => {
    const open = /user|event|socket|connection|address|room|entry|id$/;
    expect(metrics.flatMap(([, { labels }]) => labels.filter((label) => open.test(label)))).toEqual([]);
  });
});

describe('docs/reference/metrics.md', () => {
  it('has a line for each metric, as the catalogue has it', () => {
    const page = readFileSync(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8');
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| `rejoin_'))
      .map((line) =>
        line
          .split('|')
          .map((cell) => cell.trim())
          .slice(1, -1),
      );
    const expected = metrics.map(([name, { type, labels, from, help }]) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', ') || '–',
      from.join(', '),
      help,
    ]);
    expect(rows).toEqual(expected);
  });
});
