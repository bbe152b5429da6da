/** A Redis stream entry ID, `<milliseconds>-<sequence>`. Entry IDs of one partition are its total order. */
export type EntryId = string;

/** Lower than every entry ID that Redis can assign. */
export const ENTRY_ID_ZERO: EntryId = '0-0';

const PATTERN = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/;
const DASH = 45;
const MAX_UINT64 = 18446744073709551615n;

/** Whether `text` is a complete entry ID whose two parts fit the 64-bit integers that Redis uses. */
export function isEntryId(text: string): boolean {
  const match = PATTERN.exec(text);
  if (!match) return false;
  return [match[1], match[2]].every((part) => (part as string).length < 20 || BigInt(part as string) <= MAX_UINT64);
}

/** Orders two decimal strings without leading zeros by value; exact beyond 2^53. */
function compareDecimals(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Negative, zero or positive as `a` is before, equal to or after `b`. Both must be complete entry IDs. */
export function compareEntryIds(a: EntryId, b: EntryId): number {
  if (a === b) return 0;
  // The milliseconds of our time have 13 digits. Of two such IDs of one length each part has one length, too.
  if (a.length === b.length && a.charCodeAt(13) === DASH && b.charCodeAt(13) === DASH) return a < b ? -1 : 1;
  const dashA = a.indexOf('-');
  const dashB = b.indexOf('-');
  return (
    compareDecimals(a.slice(0, dashA), b.slice(0, dashB)) || compareDecimals(a.slice(dashA + 1), b.slice(dashB + 1))
  );
}

/** The later of two entry IDs. */
export function laterEntryId(a: EntryId, b: EntryId): EntryId {
  return compareEntryIds(a, b) >= 0 ? a : b;
}

/** Milliseconds since the Unix epoch at which Redis assigned the ID. */
export function entryIdTimeMs(id: EntryId): number {
  return Number(id.slice(0, id.indexOf('-')));
}
