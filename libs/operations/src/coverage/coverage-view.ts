import * as v from 'valibot';
import { count, described, entryId, milliseconds, partitionNumber, time } from '../described.ts';
import { pageOf } from '../page.ts';

/** How far back the clients of a partition may resume. */
export const coverageView = v.object({
  partition: partitionNumber,
  windowMs: described(milliseconds, 'the configured replay window'),
  coveredMs: described(milliseconds, 'how far back one may resume now without a gap; at most the window'),
  oldestResumable: described(time, 'a cursor from before this time has a gap'),
  floor: described(entryId, 'the highest entry that was trimmed'),
  limitedBy: described(v.picklist(['window', 'bytes', 'youth']), '`youth`: nothing was trimmed yet'),
  feedEntries: count,
  feedBytes: count,
  bytesPerHour: described(v.nullable(v.number()), 'what fan-out adds, over the feed as it is; null where not known'),
  forecastMs: described(v.nullable(milliseconds), 'what will be covered at this rate, at most the window'),
  cursorsKnown: described(count, 'cursors of connected and recently disconnected clients that gateways know'),
  cursorsOutside: described(count, 'those of them that have a gap already'),
  hoursUntilOutside: described(v.nullable(v.number()), 'until the oldest known cursor falls out, at this rate'),
});

export type CoverageView = v.InferOutput<typeof coverageView>;

export const coveragePage = pageOf(coverageView, {
  unanswered: described(v.array(v.string()), 'gateways that did not answer, whose cursors are not counted'),
});

export type CoveragePage = v.InferOutput<typeof coveragePage>;
