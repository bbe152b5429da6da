import { eventFilter } from '@rejoin/protocol';
import type { DeadLetterLabel } from './dead-letter-label.ts';

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

/** A test for what dead letters are counted by. Times are left to whoever reads them in the order of time. */
export function deadLetterMatcher({
  tenant,
  type,
  code,
  fingerprint,
}: DeadLetterFilter): (label: DeadLetterLabel) => boolean {
  const isType = type === undefined ? () => true : eventFilter([type]);
  return (label) =>
    (tenant === undefined || label.tenantId === tenant) &&
    (type === undefined || (label.type !== null && isType(label.type))) &&
    (code === undefined || label.code === code) &&
    (fingerprint === undefined || label.fingerprint === fingerprint);
}
