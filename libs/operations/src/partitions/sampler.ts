import type { Keyspace, RedisClient } from '@rejoin/redis';
import { lagOf } from './lag.ts';
import { type PartitionSample, samplePartition } from './partition-sample.ts';
import type { LagSample } from './partition-view.ts';

export interface SamplerOptions {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  /** Milliseconds between two samples; 3,000 by default. */
  readonly intervalMs?: number;
  /** Samples that statuses and rates are judged by; 10 by default. */
  readonly windowSamples?: number;
  /** Called where a round failed; the next one is tried all the same. */
  onError(error: unknown): void;
}

/** A line of the last hour: a point each half minute. */
const POINT_MS = 30_000;
const POINTS = 120;
/** A look that is younger serves another viewer as well, in milliseconds. */
const FRESH_MS = 100;

/**
 * Looks at every partition from time to time, whoever asks, so that what it costs does not depend on how many do; keeps a
 * window of samples for statuses and rates, and a thinned-out hour.
 */
export class Sampler {
  readonly intervalMs: number;
  readonly #options: SamplerOptions;
  readonly #windowSamples: number;
  readonly #windows: PartitionSample[][];
  readonly #hours: LagSample[][];
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #looked = Number.NEGATIVE_INFINITY;
  #pointAtMs = 0;
  /** Redis' clock minus this process' steady one. */
  #clockMs = Date.now() - performance.now();

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.intervalMs = options.intervalMs ?? 3_000;
    this.#windowSamples = options.windowSamples ?? 10;
    this.#windows = Array.from({ length: options.partitions }, () => []);
    this.#hours = Array.from({ length: options.partitions }, () => []);
  }

  start(): void {
    const look = (): void => {
      // Rounds that others asked for count: while somebody looks, sampling costs nothing more.
      this.look(this.intervalMs / 2).catch((error: unknown) => this.#options.onError(error));
    };
    this.#timer ??= setInterval(look, this.intervalMs);
    look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Now, by Redis' clock. */
  get nowMs(): number {
    return this.#clockMs + performance.now();
  }

  /** Samples of a partition, oldest first. */
  window(partition: number): readonly PartitionSample[] {
    return this.#windows[partition] ?? [];
  }

  /** The last hour of a partition, oldest first. */
  hour(partition: number): readonly LagSample[] {
    return this.#hours[partition] ?? [];
  }

  /** Resolves when one partition was looked at, just now. */
  async lookAt(partition: number): Promise<void> {
    const { client, keys } = this.#options;
    this.#keep(await samplePartition(client, keys.partition(partition)));
  }

  /**
   * Resolves when every partition was looked at a moment ago.
   * @param freshMs how long ago that may be, in milliseconds
   */
  async look(freshMs = FRESH_MS): Promise<void> {
    if (performance.now() - this.#looked < freshMs) return;
    this.#underWay ??= this.#round().finally(() => {
      this.#underWay = undefined;
    });
    await this.#underWay;
  }

  async #round(): Promise<void> {
    const { client, keys, partitions } = this.#options;
    const samples = await Promise.all(
      Array.from({ length: partitions }, (_, partition) => samplePartition(client, keys.partition(partition))),
    );
    this.#looked = performance.now();
    const nowMs = Math.max(...samples.map(({ atMs }) => atMs));
    this.#clockMs = nowMs - this.#looked;
    const isPoint = nowMs - this.#pointAtMs >= POINT_MS;
    if (isPoint) this.#pointAtMs = nowMs;
    for (const sample of samples) {
      this.#keep(sample);
      if (isPoint) this.#addPoint(sample);
    }
  }

  /** A look between two rounds takes the place of the one before, so that a window spans the same time however many look. */
  #keep(sample: PartitionSample): void {
    const window = this.#windows[sample.partition] as PartitionSample[];
    const beforeLast = window.at(-2);
    if (beforeLast && sample.atMs - beforeLast.atMs < this.intervalMs) window.pop();
    window.push(sample);
    if (window.length > this.#windowSamples) window.shift();
  }

  #addPoint(sample: PartitionSample): void {
    const hour = this.#hours[sample.partition] as LagSample[];
    const value = lagOf(sample).lag?.value ?? null;
    hour.push({ at: new Date(sample.atMs).toISOString(), value, pending: sample.group?.pending ?? 0 });
    if (hour.length > POINTS) hour.shift();
  }
}
