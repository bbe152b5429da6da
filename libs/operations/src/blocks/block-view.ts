import * as v from 'valibot';
import { described, milliseconds, time } from '../described.ts';
import { pageOf } from '../page.ts';

/** Somebody who is kept out for a time. */
export const blockView = v.object({
  tenant: v.string(),
  user: described(v.nullable(v.string()), 'null: everybody of the tenant'),
  since: time,
  until: time,
  remainingMs: milliseconds,
});

export type BlockView = v.InferOutput<typeof blockView>;

export const blocksPage = pageOf(blockView, {
  complete: described(v.boolean(), 'false: the list is longer than one look reads, so older blocks may be missing'),
});

export type BlocksPage = v.InferOutput<typeof blocksPage>;

/** What lifting a block did, or would do. */
export const liftOutcome = v.object({
  dryRun: v.boolean(),
  block: described(blockView, 'as it was'),
});

export type LiftOutcome = v.InferOutput<typeof liftOutcome>;
