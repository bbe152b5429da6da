import * as v from 'valibot';
import { time } from './described.ts';

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins, for `after`; `null` at the end. */
  readonly next: string | null;
  /** When this was so: how fresh the page is. */
  readonly asOf: string;
}

export const nextPage = v.pipe(
  v.nullable(v.string()),
  v.description('where the next page begins, for `after`; null at the end'),
);

/** The schema of a page of `item`s, with further members where the list has some. */
export function pageOf<Item extends v.GenericSchema, More extends v.ObjectEntries = Record<never, never>>(
  item: Item,
  more: More = {} as More,
) {
  return v.object({ items: v.array(item), next: nextPage, asOf: time, ...more });
}
