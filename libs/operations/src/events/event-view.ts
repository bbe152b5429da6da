import * as v from 'valibot';
import { count, described, entryId, partitionNumber, time } from '../described.ts';
import { pageOf } from '../page.ts';

/** An event of a feed or of an event stream, as peeking shows it. */
export const eventView = v.object({
  partition: partitionNumber,
  entryId,
  cursor: described(v.string(), 'the position behind it'),
  stage: described(v.picklist(['waiting', 'fanned_out']), '`waiting`: in the event stream, not handled yet'),
  eventId: v.nullable(v.string()),
  type: v.nullable(v.string()),
  tenant: v.nullable(v.string()),
  subject: v.nullable(v.string()),
  time: described(v.nullable(v.string()), "the event's own time"),
  appendedAt: time,
  audience: described(v.array(v.string()), 'audience tokens; of a waiting event, those it names itself'),
  bytes: count,
  data: v.optional(described(v.unknown(), 'the payload; only where it was asked for, and then the asking is audited')),
});

export type EventView = v.InferOutput<typeof eventView>;

export const eventsPage = pageOf(eventView, {
  scanned: described(count, 'entries that were looked at for this page'),
  total: described(
    v.nullable(count),
    'entries that there are in the partitions that were looked at; null for a token that is bound to a tenant',
  ),
  exhausted: described(v.boolean(), 'false: the scan budget ended before the page was full; go on with `next`'),
});

export type EventsPage = v.InferOutput<typeof eventsPage>;
