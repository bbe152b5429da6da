import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type MetricDefinition, type MetricNameOf } from './catalogue.ts';

/**
 * Default metrics of prom-client that count every handle of the process one by one: a gateway with ten thousand sockets
 * would stand still for each scrape, and `rejoin_gateway_connections` says the same.
 */
const COSTLY = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
] as const;

/** Prometheus waits for ten seconds, and then has nothing of this process at all. */
const PREPARATION_MS = 3_000;

/** A value with its labels; what is not among the values of a reading has no series. */
export type Reading = readonly [labels: Readonly<Record<string, string | number>>, value: number];

/**
 * The metrics of one process, in the text format of Prometheus. Values that a library counts by itself are read when
 * somebody asks, so counting costs the library an increment.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class ProcessMetrics {
  readonly #registry = new Registry();
  readonly #beforeReading: (() => Promise<void>)[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of COSTLY) this.#registry.removeSingleMetric(name);
  }

  /** A counter that is told. */
  counter(name: MetricNameOf<'counter'>): (labels?: Readonly<Record<string, string>>, by?: number) => void {
    const counter = new Counter(this.#options(name));
    return (labels = {}, by = 1) => counter.inc(labels, by);
  }

  histogram(name: MetricNameOf<'histogram'>): (value: number) => void {
    const histogram = new Histogram({ ...this.#options(name), buckets: [...(definitionOf(name).buckets ?? [])] });
    return (value) => histogram.observe(value);
  }

  /** A counter whose totals the owner keeps. */
  readCounter(name: MetricNameOf<'counter'>, read: () => Iterable<Reading>): void {
    const counter: Counter = new Counter({
      ...this.#options(name),
      collect() {
        counter.reset();
        for (const [labels, value] of read()) counter.inc({ ...labels }, value);
      },
    });
  }

  readGauge(name: MetricNameOf<'gauge'>, read: () => Iterable<Reading>): void {
    const unlabelled = definitionOf(name).labels.length === 0;
    const gauge: Gauge = new Gauge({
      ...this.#options(name),
      collect() {
        gauge.reset();
        // Resetting gives a gauge without labels the value 0, and it may have none.
        if (unlabelled) gauge.remove();
        for (const [labels, value] of read()) gauge.set({ ...labels }, value);
      },
    });
  }

  /**
   * Runs before the values are read; for facts that several metrics share. Where it fails or takes longer than
   * {@link PREPARATION_MS}, the rest is served all the same.
   */
  beforeReading(prepare: () => Promise<void>): void {
    this.#beforeReading.push(prepare);
  }

  async text(): Promise<string> {
    const prepared = Promise.allSettled(this.#beforeReading.map((prepare) => prepare()));
    await Promise.race([prepared, delay(PREPARATION_MS, undefined, { ref: false })]);
    return this.#registry.metrics();
  }

  /** Answers `GET /metrics`; says whether it did. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    if ((request.url ?? '').split('?', 1)[0] !== '/metrics') return false;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return true;
    }
    this.text().then(
      (text) => {
        response.writeHead(200, { 'content-type': this.#registry.contentType, 'cache-control': 'no-store' });
        response.end(text);
      },
      (error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
        response.end(`metrics cannot be read: ${error instanceof Error ? error.message : 'unknown failure'}\n`);
      },
    );
    return true;
  }

  #options(name: keyof typeof METRICS) {
    const { help, labels } = definitionOf(name);
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }
}

function definitionOf(name: keyof typeof METRICS): MetricDefinition {
  return METRICS[name];
}
