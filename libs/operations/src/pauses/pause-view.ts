import * as v from 'valibot';
import { described, milliseconds, partitionNumber, time } from '../described.ts';

/** A pause of a partition, in force. */
export const pauseView = v.object({
  until: described(time, 'when it ends by itself'),
  reason: v.string(),
  by: v.nullable(described(v.string(), 'who asked for it, the `sub` of the token')),
  remainingMs: milliseconds,
});

export type PauseView = v.InferOutput<typeof pauseView>;

/** What pausing or resuming a partition did, or would do. */
export const pauseOutcome = v.object({
  partition: partitionNumber,
  dryRun: v.boolean(),
  changed: described(v.boolean(), 'false where it is so already'),
  pause: v.nullable(pauseView),
  replayCostMs: described(
    v.nullable(v.number()),
    'how much of the replay window passes for this partition while nothing is fanned out, at most; null where nothing is paused',
  ),
});

export type PauseOutcome = v.InferOutput<typeof pauseOutcome>;
