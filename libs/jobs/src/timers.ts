import type { Queue } from 'bullmq';
import type { PartitionJob } from './queues.ts';

/** Timers of one partition go off at multiples of this many milliseconds, so that a thousand events need few of them. */
const SLOT_MS = 250;
/** BullMQ may wake somebody some milliseconds early, who would then find the last events of the slot not due. */
const SLACK_MS = 25;
/** Timers that are remembered as set, so that they are not set again for every event. */
const MAX_REMEMBERED = 10_000;

/** Sets timers for events that are due later. A timer that is lost costs time only: a sweep releases what is overdue. */
export class Timers {
  readonly #queue: Queue<PartitionJob>;
  readonly #set = new Set<string>();

  constructor(queue: Queue<PartitionJob>) {
    this.#queue = queue;
  }

  /** Sets timers for when these events of a partition are due, in milliseconds since the Unix epoch. */
  async set(partition: number, dueAtMs: readonly number[]): Promise<void> {
    const slots = new Set(dueAtMs.map((at) => Math.ceil(at / SLOT_MS) * SLOT_MS));
    const jobs = [...slots].flatMap((slotMs) => {
      const jobId = `${partition}-${slotMs}`;
      if (this.#set.has(jobId)) return [];
      // BullMQ adds no second job under an id.
      return [
        { name: 'release', data: { partition }, opts: { jobId, delay: Math.max(0, slotMs + SLACK_MS - Date.now()) } },
      ];
    });
    if (jobs.length === 0) return;
    await this.#queue.addBulk(jobs);
    if (this.#set.size + jobs.length > MAX_REMEMBERED) this.#set.clear();
    for (const { opts } of jobs) this.#set.add(opts.jobId);
  }
}
