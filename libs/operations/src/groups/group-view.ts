import * as v from 'valibot';
import { count } from '../described.ts';
import { pageOf } from '../page.ts';

export const groupsPage = pageOf(v.object({ group: v.string() }));

export type GroupsPage = v.InferOutput<typeof groupsPage>;

/** Members in no order; a page may hold some more than `limit`, and one that stands on two pages. */
export const membersPage = pageOf(v.object({ user: v.string() }), { size: count });

export type MembersPage = v.InferOutput<typeof membersPage>;

/** What a change of a group did, or would do. */
export const groupOutcome = v.object({
  dryRun: v.boolean(),
  added: count,
  removed: count,
  size: v.pipe(count, v.description('members afterwards')),
});

export type GroupOutcome = v.InferOutput<typeof groupOutcome>;
