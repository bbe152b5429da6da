import { type EntryId, isEntryId } from '@rejoin/protocol';
import { OperationError } from './errors.ts';

/** Where a page begins, as one opaque text. It carries no authority: what a page shows follows from the token alone. */
export function formatPosition(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * @param isPosition whether what stands in the text is a position of this list
 * @throws OperationError where `text` is not what {@link formatPosition} made
 */
export function parsePosition<Position>(text: string, isPosition: (value: unknown) => value is Position): Position {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (isPosition(value)) return value;
  } catch {
    // Said below: whatever is wrong with the text, its reader can do the same about it.
  }
  throw new OperationError('INVALID_REQUEST', '`after` is not where a page of this list begins');
}

/** Of a list that is in the order of entry IDs. */
export function isEntryPosition(value: unknown): value is EntryId {
  return typeof value === 'string' && isEntryId(value);
}
