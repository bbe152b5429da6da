import type { DeadLetterStore } from '@rejoin/streams';
import type { Job } from 'bullmq';
import { NO_PROGRESS, type Task, type TaskData, type TaskProgress, type TaskResult } from './task.ts';

/** A task as it is told, of what BullMQ keeps of it and the partitions counted. */
export async function taskOfJob(
  job: Job<TaskData, TaskResult>,
  state: Task['state'],
  store: DeadLetterStore,
): Promise<Task> {
  const id = job.id as string;
  const { kind, selection, reason, by, tenant, ratePerSecond, askedAtMs } = job.data;
  const progress = { ...NO_PROGRESS, ...(job.progress as Partial<TaskProgress>) };
  const tally = await store.tally(id);
  const { refused, rehearsed, rehearsals, index } = progress;
  const changed = tally.appended + tally.duplicate + tally.discarded;
  // Of ids that one step went through twice the first time counts, and that the partitions counted.
  const gone = 'ids' in selection ? Math.max(0, index - changed - refused - rehearsed) : progress.gone;
  return {
    id,
    kind,
    state,
    selection,
    reason,
    by,
    tenant,
    ratePerSecond,
    total: progress.total,
    handled: changed + refused + rehearsed + gone,
    outcomes: {
      redriven: tally.appended,
      discarded: tally.discarded,
      duplicates: tally.duplicate,
      refused,
      gone,
      rehearsed,
    },
    rehearsals,
    askedAtMs,
    startedAtMs: job.processedOn ?? null,
    endedAtMs: job.finishedOn ?? null,
    error: state === 'failed' ? (job.failedReason ?? null) : null,
  };
}
