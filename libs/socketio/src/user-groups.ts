import type { EntryId } from '@rejoin/protocol';

/** The rooms of a user's groups as the directory had them at a time. */
export interface UserGroups {
  /** By room; the position after which it is the user's to see. */
  readonly rooms: ReadonlyMap<string, EntryId>;
  /** Not before it, of `performance.now()`. */
  readonly readAtMs: number;
}
