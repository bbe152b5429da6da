import * as v from 'valibot';
import { count, described, entryId, partitionNumber, time } from '../described.ts';
import { pageOf } from '../page.ts';

/** A dead letter in a list. */
export const deadLetterView = v.object({
  id: described(v.string(), '<partition>.<entry ID>'),
  partition: partitionNumber,
  entryId,
  eventId: v.nullable(v.string()),
  type: v.nullable(v.string()),
  tenant: v.nullable(v.string()),
  code: v.string(),
  message: v.string(),
  attempts: count,
  firstFailedAt: time,
  lastFailedAt: time,
  fingerprint: described(v.string(), 'what dead letters with the same cause have in common'),
  redrivable: v.boolean(),
  notRedrivable: described(v.nullable(v.string()), 'why it cannot be redriven, in words'),
});

export type DeadLetterView = v.InferOutput<typeof deadLetterView>;

/** One dead letter with all that is kept of it. */
export const deadLetterDetail = v.object({
  ...deadLetterView.entries,
  stack: v.nullable(v.string()),
  rehearsal: described(
    v.nullable(v.object({ audience: v.nullable(v.array(v.string())), refusal: v.nullable(v.string()) })),
    "what today's audience rules would make of it; nothing is sent",
  ),
  event: v.optional(described(v.unknown(), 'the event; only where it was asked for, and then the asking is audited')),
});

export type DeadLetterDetail = v.InferOutput<typeof deadLetterDetail>;

/** Dead letters with one cause. */
export const deadLetterGroup = v.object({
  fingerprint: v.string(),
  code: v.string(),
  message: described(v.string(), 'of the latest one'),
  count,
  firstFailedAt: described(time, 'when the first of those that are there failed last'),
  lastFailedAt: time,
});

export type DeadLetterGroupView = v.InferOutput<typeof deadLetterGroup>;

export const deadLettersPage = pageOf(deadLetterView, {
  scanned: count,
  total: described(
    v.nullable(count),
    'dead letters that there are, whatever the filter says; null for a token that is bound to a tenant',
  ),
});

export type DeadLettersPage = v.InferOutput<typeof deadLettersPage>;

/** Counts by cause, and by tenant and type. */
export const deadLetterCounts = v.object({
  total: count,
  matched: count,
  scanned: described(count, 'dead letters that were taken into account, whether they match or not'),
  complete: described(v.boolean(), 'false: there are so many different ones that only some were counted'),
  groups: v.array(deadLetterGroup),
  tenants: v.array(v.object({ tenant: v.nullable(v.string()), type: v.nullable(v.string()), count })),
  asOf: time,
});

export type DeadLetterCountsView = v.InferOutput<typeof deadLetterCounts>;
