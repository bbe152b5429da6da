import type { Queue } from 'bullmq';
import type { PartitionJob } from './queues.ts';

/**
 * Has every partition looked after at fixed intervals, by whichever worker takes the job: BullMQ makes the next one when one is
 * taken, however many workers ask for it. One that lasts longer than an interval may meet its successor, so what they do must
 * bear company.
 */
export class UpkeepSchedule {
  readonly #queue: Queue<PartitionJob>;
  readonly #partitions: number;

  constructor(queue: Queue<PartitionJob>, partitions: number) {
    this.#queue = queue;
    this.#partitions = partitions;
  }

  /** Sees to it that the schedule is there, which a Redis without its data has lost. Idempotent. */
  async ensure(everyMs: number): Promise<void> {
    if ((await this.#queue.getJobSchedulersCount()) >= this.#partitions) return;
    for (let partition = 0; partition < this.#partitions; partition++) {
      await this.#queue.upsertJobScheduler(
        `upkeep-${partition}`,
        { every: everyMs },
        { name: 'upkeep', data: { partition } },
      );
    }
  }
}
