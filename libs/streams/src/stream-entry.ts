import type { EntryId } from '@rejoin/protocol';
import { type Attempts, readAttempts } from './attempts.ts';

/** What an entry of the event stream holds. */
export type EntryContent =
  /** The text of its field `event`. Bytes that are not UTF-8 stand in it as U+FFFD; see `EventReader.eventBytes`. */
  | {
      readonly kind: 'event';
      readonly text: string;
      /** Where it was tried before, under another entry ID. */
      readonly attempts?: Attempts;
    }
  /** It has no field `event`: its fields and values, one after the other. */
  | { readonly kind: 'fields'; readonly fields: readonly string[] }
  /** It is pending, but its payload was removed from the stream. */
  | { readonly kind: 'missing' };

export interface StreamEntry {
  readonly entryId: EntryId;
  readonly content: EntryContent;
}

/** Entries that follow each other in the stream. */
export interface EntryPage {
  /** Ascending by entry ID. */
  readonly entries: readonly StreamEntry[];
  /** The last of them, or the entry behind which was read. */
  readonly position: EntryId;
  /** Whether there may be more now. */
  readonly more: boolean;
}

/** Entries as ioredis returns them. */
export type RawEntries = readonly (readonly [id: string, fields: readonly string[]])[];

/**
 * @param after behind which entry they were read
 * @param count how many were asked for
 */
export function parsePage(raw: RawEntries, after: EntryId, count: number): EntryPage {
  const entries = raw.map(([entryId, fields]) => ({ entryId, content: parseContent(fields) }));
  return { entries, position: entries.at(-1)?.entryId ?? after, more: entries.length === count };
}

/** The first of several fields of one name counts. */
function parseContent(fields: readonly string[]): EntryContent {
  if (fields.length === 2 && fields[0] === 'event') return { kind: 'event', text: fields[1] as string };
  const at = fields.findIndex((field, index) => index % 2 === 0 && field === 'event');
  const text = at === -1 ? undefined : fields[at + 1];
  if (text === undefined) return { kind: 'fields', fields };
  const attempts = readAttempts(fields);
  return attempts ? { kind: 'event', text, attempts } : { kind: 'event', text };
}
