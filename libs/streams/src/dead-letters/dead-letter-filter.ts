import { eventFilter } from '@rejoin/protocol';
import type { DeadLetter } from './kept-dead-letter.ts';

/** Which dead letters are meant: those for which everything that is given holds. */
export interface DeadLetterFilter {
  /** A tenant ID, exactly. */
  readonly tenant?: string;
  /** An event type, or the beginning of one followed by `*`. */
  readonly type?: string;
  /** A `DeadLetterCode`. */
  readonly code?: string;
  /** See `deadLetterFingerprint`. */
  readonly fingerprint?: string;
  /** Last failed at or after this time, in milliseconds since the Unix epoch. */
  readonly sinceMs?: number;
  /** Last failed at or before this time, in milliseconds since the Unix epoch. */
  readonly untilMs?: number;
}

/** A test for dead letters. Times are left to whoever reads them in the order of time. */
export function deadLetterMatcher({
  tenant,
  type,
  code,
  fingerprint,
}: DeadLetterFilter): (letter: DeadLetter) => boolean {
  const isType = type === undefined ? () => true : eventFilter([type]);
  return (letter) =>
    (tenant === undefined || letter.tenantId === tenant) &&
    (type === undefined || (letter.type !== undefined && isType(letter.type))) &&
    (code === undefined || letter.code === code) &&
    (fingerprint === undefined || letter.fingerprint === fingerprint);
}
