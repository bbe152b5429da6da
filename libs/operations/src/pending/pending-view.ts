import * as v from 'valibot';
import { count, described, entryId, milliseconds } from '../described.ts';
import { pageOf } from '../page.ts';

/** An entry that was read by the worker and is not acknowledged. Looking at it changes no delivery count. */
export const pendingView = v.object({
  entryId,
  eventId: v.nullable(v.string()),
  type: v.nullable(v.string()),
  tenant: v.nullable(v.string()),
  ageMs: described(milliseconds, 'since it was appended'),
  idleMs: described(milliseconds, 'since it was last delivered to a worker'),
  deliveries: count,
  payload: described(v.picklist(['present', 'gone']), '`gone`: trimmed while it was pending'),
  attempt: described(
    v.nullable(count),
    'which attempt of the event this is, where it was parked or redriven before; null where it is not known to have failed',
  ),
  trials: described(
    v.nullable(count),
    'how often a worker began with it that found it pending; null where none did, or it is not recorded any more',
  ),
  lastError: described(
    v.nullable(v.string()),
    'code and message of the attempt before, as an earlier entry; null where none is recorded',
  ),
});

export type PendingView = v.InferOutput<typeof pendingView>;

export const pendingPage = pageOf(pendingView, {
  total: described(v.nullable(count), 'entries pending in the partition; null for a token that is bound to a tenant'),
  consumer: v.nullable(v.string()),
});

export type PendingPage = v.InferOutput<typeof pendingPage>;
