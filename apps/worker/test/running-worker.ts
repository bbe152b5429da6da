import { AudienceResolver } from '@rejoin/audience';
import { parseFeedEntry } from '@rejoin/feed';
import { createJobs, type Jobs } from '@rejoin/jobs';
import { type DomainEvent, type EntryId, partitionOf } from '@rejoin/protocol';
import {
  connect,
  disconnect,
  type Keyspace,
  keyspace,
  openInstallation,
  type PartitionKeys,
  type RedisClient,
} from '@rejoin/redis';
import { silentLogger } from '@rejoin/runtime';
import { eventually, testRedis, uniquePrefix } from '@rejoin/testing';
import { Worker, type WorkerOptions } from '../src/worker.ts';

export const PARTITIONS = 4;
export const TENANT = 'acme';

export interface FeedEntry {
  readonly entryId: EntryId;
  readonly prev: EntryId;
  readonly rooms: readonly string[];
  readonly event: { readonly id: string; readonly data?: unknown };
}

export interface DeadLetter {
  readonly entryId: EntryId;
  readonly code: string;
  readonly message: string;
  readonly event: string | null;
}

/** An event, whose missing attributes are filled in, or the text or bytes of a field `event` that holds none. */
export type Appendable = Partial<DomainEvent> | string | Buffer;

/** An installation of its own for one test, what is published to it, and the workers that run on it. */
export class TestInstallation {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly #url: string;
  readonly #workers: Worker[] = [];
  #jobs: Jobs | undefined;

  private constructor(url: string, client: RedisClient, keys: Keyspace) {
    this.#url = url;
    this.client = client;
    this.keys = keys;
  }

  static async open(url = testRedis()): Promise<TestInstallation> {
    const client = connect({ url, use: 'background', name: 'test', onError: () => undefined });
    const keys = keyspace(uniquePrefix());
    await openInstallation(client, keys, PARTITIONS);
    return new TestInstallation(url, client, keys);
  }

  /** The partition of {@link TENANT}. */
  get home(): PartitionKeys {
    return this.keys.partition(partitionOf(TENANT, PARTITIONS));
  }

  /** A tenant of a given partition. */
  tenantOf(partition: number): string {
    for (let index = 0; ; index++) {
      if (partitionOf(`tenant-${index}`, PARTITIONS) === partition) return `tenant-${index}`;
    }
  }

  createWorker(options: Partial<WorkerOptions> = {}): Worker {
    const worker = new Worker({
      redisUrl: this.#url,
      keys: this.keys,
      resolver: new AudienceResolver(),
      replay: { windowMs: 3_600_000, maxPerRoom: 10_000, maxBytes: 1024 ** 3 },
      logger: silentLogger(),
      leaseTtlMs: 2_000,
      leasePollMs: 20,
      upkeepMs: 50,
      blockMs: 500,
      ...options,
    });
    this.#workers.push(worker);
    return worker;
  }

  async startWorker(options: Partial<WorkerOptions> = {}): Promise<Worker> {
    const worker = this.createWorker(options);
    await worker.start();
    return worker;
  }

  /** What asks workers to do something later. */
  jobs(): Jobs {
    this.#jobs ??= createJobs({
      redisUrl: this.#url,
      keys: this.keys,
      partitions: PARTITIONS,
      onError: () => undefined,
    });
    return this.#jobs;
  }

  /** Appends as any service may, with XADD: events, or texts and bytes that are none. */
  async append(...events: readonly Appendable[]): Promise<EntryId[]> {
    const pipeline = this.client.pipeline();
    for (const event of events) {
      if (typeof event === 'string' || Buffer.isBuffer(event)) pipeline.xadd(this.home.events, '*', 'event', event);
      else {
        const whole = { ...DEFAULTS, ...event };
        const { events } = this.keys.partition(partitionOf(whole.tenantid, PARTITIONS));
        pipeline.xadd(events, '*', 'event', JSON.stringify(whole));
      }
    }
    return ((await pipeline.exec()) ?? []).map(([error, id]) => {
      if (error) throw error;
      return id as EntryId;
    });
  }

  async feed(keys = this.home): Promise<FeedEntry[]> {
    const entries = await this.client.xrangeBuffer(keys.feed, '-', '+');
    return entries.map(([id, fields]) => {
      const { entryId, predecessor, rooms, event } = parseFeedEntry(id, fields);
      return { entryId, prev: predecessor, rooms, event: JSON.parse(event.toString()) as FeedEntry['event'] };
    });
  }

  async deadLetters(keys = this.home): Promise<DeadLetter[]> {
    const ids = (await this.client.zrange(keys.deadOrder, '0', '-1')).map((member) => member.split(' ')[0] as string);
    const records = ids.length > 0 ? await this.client.hmget(keys.dead, ...ids) : [];
    return records
      .map((record) => JSON.parse(record as string) as DeadLetter)
      .sort((a, b) => ids.indexOf(a.entryId) - ids.indexOf(b.entryId));
  }

  /** Waits until everything appended to a partition is handled, and acknowledged. */
  async handled(last: EntryId, keys = this.home, timeoutMs = 10_000): Promise<void> {
    await eventually(
      async () => {
        const done = await this.client.get(keys.done);
        if (done !== last) throw new Error(`done is ${done}, not ${last}`);
      },
      { timeoutMs },
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop(1_000)));
    await this.#jobs?.close();
    disconnect(this.client);
  }
}

const DEFAULTS = {
  specversion: '1.0',
  id: 'e',
  source: 'test',
  type: 'test.event',
  tenantid: TENANT,
  audience: 'tenant',
};

/** Events `<prefix>0`, `<prefix>1`, … */
export function numbered(count: number, prefix = 'e', fields: Partial<DomainEvent> = {}): Partial<DomainEvent>[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${prefix}${index}`, ...fields }));
}

/** Asserts that the feed holds exactly these events, each once and in this order, without a hole in its chain. */
export function expectDelivered(feed: readonly FeedEntry[], events: readonly Partial<DomainEvent>[]): void {
  const ids = feed.map(({ event }) => event.id);
  const expected = events.map(({ id }) => id as string);
  if (ids.join() !== expected.join()) {
    const missing = expected.filter((id) => !ids.includes(id));
    const examples = missing.slice(0, 5).join();
    throw new Error(`${ids.length} of ${expected.length} events, ${missing.length} missing: ${examples}`);
  }
  let prev = '0-0';
  for (const entry of feed) {
    if (entry.prev !== prev) throw new Error(`${entry.entryId} names ${entry.prev} as its predecessor, not ${prev}`);
    prev = entry.entryId;
  }
}
