import type { Keyspace, RedisClient } from '@rejoin/redis';
import { Queue } from 'bullmq';
import { BullmqConnection } from './bullmq-connection.ts';
import type { TaskData, TaskResult } from './task.ts';

/** Names of BullMQ's queues; they stand in its keys behind the installation's prefix. */
export const TIMERS = 'timers';
export const TASKS = 'tasks';
export const UPKEEP = 'upkeep';

export interface QueuesOptions {
  readonly redisUrl: string;
  readonly keys: Keyspace;
  /** Called for every failure of a connection, and of what BullMQ does by itself. */
  onError(error: Error): void;
}

/** What is to be done for one partition. */
export interface PartitionJob {
  readonly partition: number;
}

/** How long it is known what a task did, in seconds, and of how many. */
const KEEP = { age: 7 * 86_400, count: 1_000 };

/** A task that fails is gone on with this often, after this many milliseconds: mostly Redis was away. */
const ATTEMPTS = 30;
const RETRY_MS = 2_000;
const CLOSE_DEADLINE_MS = 500;

/** The queues, on one connection for short commands. */
export class Queues {
  readonly client: RedisClient;
  readonly #connection: BullmqConnection;
  #closed: Promise<void> | undefined;
  readonly timers: Queue<PartitionJob>;
  readonly upkeep: Queue<PartitionJob>;
  readonly tasks: Queue<TaskData, TaskResult>;

  constructor({ redisUrl, keys, onError }: QueuesOptions) {
    this.#connection = new BullmqConnection(redisUrl, 'commands', 'rejoin-jobs', onError);
    this.client = this.#connection.client;
    // Whether this Redis will do, Rejoin checks itself.
    const shared = { connection: this.client, prefix: keys.jobs, skipVersionCheck: true };
    const forgotten = {
      ...shared,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
      streams: { events: { maxLen: 100 } },
    };
    this.timers = new Queue(TIMERS, forgotten);
    this.upkeep = new Queue(UPKEEP, forgotten);
    this.tasks = new Queue(TASKS, {
      ...shared,
      defaultJobOptions: {
        removeOnComplete: KEEP,
        removeOnFail: KEEP,
        attempts: ATTEMPTS,
        backoff: { type: 'fixed', delay: RETRY_MS },
      },
      streams: { events: { maxLen: 1_000 } },
    });
    for (const queue of [this.timers, this.upkeep, this.tasks]) queue.on('error', onError);
  }

  /** Idempotent, and quick whether or not Redis answers. */
  async close(): Promise<void> {
    this.#closed ??= this.#connection.close(
      Promise.allSettled([this.timers.close(), this.upkeep.close(), this.tasks.close()]),
      CLOSE_DEADLINE_MS,
    );
    await this.#closed;
  }
}
