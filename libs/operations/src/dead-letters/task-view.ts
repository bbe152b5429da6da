import * as v from 'valibot';
import { count, described, time } from '../described.ts';
import { pageOf } from '../page.ts';
import { deadLetterCounts } from './dead-letter-view.ts';

/** A redrive or discard, under way or over. */
export const taskView = v.object({
  id: v.string(),
  kind: v.picklist(['redrive', 'discard']),
  state: v.picklist(['waiting', 'running', 'done', 'cancelled', 'failed']),
  total: described(v.nullable(count), 'dead letters that it was to handle; null where not counted yet'),
  handled: described(count, 'dead letters looked at so far'),
  outcomes: v.object({
    redriven: count,
    discarded: count,
    duplicates: described(count, 'were published again meanwhile, so nothing was sent'),
    refused: described(count, 'cannot be redriven; they stay'),
    gone: described(count, 'somebody else handled them'),
  }),
  ratePerSecond: v.nullable(v.number()),
  reason: v.string(),
  by: v.nullable(v.string()),
  startedAt: v.nullable(time),
  endedAt: v.nullable(time),
  error: v.nullable(v.string()),
});

export type TaskView = v.InferOutput<typeof taskView>;

export const tasksPage = pageOf(taskView);

export type TasksPage = v.InferOutput<typeof tasksPage>;

/** What `POST …/redrive` and `…/discard` answer: the plan alone with `dryRun`, else the task that carries it out. */
export const deadLetterAction = v.object({
  dryRun: v.boolean(),
  plan: deadLetterCounts,
  task: v.nullable(taskView),
});

export type DeadLetterAction = v.InferOutput<typeof deadLetterAction>;
