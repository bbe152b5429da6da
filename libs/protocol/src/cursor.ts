import { type EntryId, isEntryId } from './entry-id.ts';

/**
 * A client's position: every event up to and including `entryId` is behind it. On the wire it is one opaque string.
 * It carries no authority: what a client receives follows from its token alone.
 */
export interface Cursor {
  /** Names one unbroken history of a partition. It changes when data was lost, so that old positions are recognised. */
  readonly epoch: string;
  readonly partition: number;
  readonly entryId: EntryId;
}

/** Longest cursor that is looked at; a longer string is unreadable. */
export const MAX_CURSOR_LENGTH = 96;

const PATTERN = /^([A-Za-z0-9_-]{1,32})\.(0|[1-9]\d{0,4})\.(\d{1,20}-\d{1,20})$/;

export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}.${cursor.partition}.${cursor.entryId}`;
}

/** The cursor that `text` stands for, or `null` where it is none. Never throws, whatever a client sent. */
export function parseCursor(text: unknown): Cursor | null {
  if (typeof text !== 'string' || text.length > MAX_CURSOR_LENGTH) return null;
  const match = PATTERN.exec(text);
  if (!match) return null;
  const [, epoch, partition, entryId] = match as unknown as [string, string, string, string];
  return isEntryId(entryId) ? { epoch, partition: Number(partition), entryId } : null;
}
