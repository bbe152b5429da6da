import { connect, disconnect, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { DeadLetterStore, deadLetterRecord, formatDeadLetterId, writeDeadLetter } from '@rejoin/streams';
import { testRedis, uniquePrefix } from '@rejoin/testing';
import { createJobs, JobRunner, type JobRunnerOptions, type Jobs } from '../src/index.ts';

const PARTITIONS = 2;

/** An installation of its own for one test, its dead letters, and the runners of its jobs. */
export class TestInstallation {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly store: DeadLetterStore;
  readonly jobs: Jobs;
  readonly #runners: JobRunner[] = [];

  constructor() {
    this.client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
    this.keys = keyspace(uniquePrefix());
    this.store = new DeadLetterStore(this.client, this.keys, PARTITIONS);
    this.jobs = createJobs({ ...this.#connection(), partitions: PARTITIONS });
  }

  startRunner(options: Partial<JobRunnerOptions> = {}): JobRunner {
    const runner = new JobRunner({
      ...this.#connection(),
      partitions: PARTITIONS,
      release: () => Promise.resolve(),
      upkeep: () => Promise.resolve(),
      rehearse: () => Promise.resolve({ rooms: [] }),
      ...options,
    });
    this.#runners.push(runner);
    runner.start();
    return runner;
  }

  /** Dead letters `e0`, `e1`, … of type `order.paid`; resolves to their ids. */
  async bury(count: number, type = 'order.paid'): Promise<string[]> {
    const ids: string[] = [];
    const pipeline = this.client.pipeline();
    for (let i = 0; i < count; i++) {
      const partition = i % PARTITIONS;
      const entryId = `${Date.now()}-${i}`;
      const parsed = { specversion: '1.0', id: `${type}-${i}`, source: 'test', type, tenantid: 'acme' };
      const failure = { code: 'NO_AUDIENCE_RULE', message: 'no rule', failedAtMs: Date.now() } as const;
      const record = deadLetterRecord({ entryId, event: JSON.stringify(parsed), parsed, ...failure });
      writeDeadLetter(pipeline, this.keys.partition(partition), { entryId, record, failedAtMs: failure.failedAtMs });
      ids.push(formatDeadLetterId({ partition, entryId }));
    }
    await pipeline.exec();
    return ids;
  }

  /** Ids of all events that stand in event streams, each as often as it does. */
  async appended(): Promise<string[]> {
    const streams = await Promise.all(
      [0, 1].map((partition) => this.client.xrange(this.keys.partition(partition).events, '-', '+')),
    );
    return streams.flat().map(([, fields]) => (JSON.parse(fields[1] as string) as { id: string }).id);
  }

  async close(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.stop()));
    await this.jobs.close();
    disconnect(this.client);
  }

  #connection() {
    return { redisUrl: testRedis(), keys: this.keys, onError: () => undefined };
  }
}
