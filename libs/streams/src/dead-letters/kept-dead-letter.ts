import { type DomainEvent, parseEvent } from '@rejoin/protocol';
import { failureText } from '../attempts.ts';
import { eventDigest } from '../digest.ts';
import type { KeptEvent } from '../reappend.ts';
import { type DeadLetterId, formatDeadLetterId } from './dead-letter-id.ts';
import { type DeadLetterLabel, formatDeadLetterLabel } from './dead-letter-label.ts';
import { deadLetterFingerprint } from './fingerprint.ts';

/** A dead letter as it is kept. */
export interface DeadLetter extends DeadLetterId {
  /** See `formatDeadLetterId`. */
  readonly id: string;
  /** The entry's text; `null` where it is gone, or is not a text. */
  readonly event: string | null;
  /** The entry's bytes where they are no text, or their beginning where they are too many. */
  readonly eventBase64?: string;
  readonly truncated?: boolean;
  /** Bytes of the event, where it is truncated. */
  readonly bytes?: number;
  /** The event's own id, tenant and type, where they could be read. */
  readonly eventId?: string;
  readonly tenantId?: string;
  readonly type?: string;
  /** A `DeadLetterCode`. */
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
  readonly attempts: number;
  /** RFC 3339. */
  readonly firstFailedAt: string;
  readonly lastFailedAt: string;
  /** See `deadLetterFingerprint`. */
  readonly fingerprint: string;
}

/** Reads a record of `{rejoin:3}:dead`. One that somebody else wrote there is shown as such, never thrown at the reader. */
export function readDeadLetter(id: DeadLetterId, record: string): DeadLetter {
  const known = { ...id, id: formatDeadLetterId(id) };
  const stored = parseRecord(record);
  const { code = 'UNREADABLE', message = 'the record is not JSON as this project writes it' } = stored;
  const { fingerprint = deadLetterFingerprint(code, message) } = stored;
  const when = new Date(0).toISOString();
  return {
    event: null,
    attempts: 1,
    firstFailedAt: when,
    lastFailedAt: when,
    ...stored,
    ...known,
    code,
    message,
    fingerprint,
  };
}

function parseRecord(record: string): Partial<DeadLetter> {
  try {
    const value: unknown = JSON.parse(record);
    return typeof value === 'object' && value !== null ? (value as Partial<DeadLetter>) : {};
  } catch {
    // Its code says so.
    return {};
  }
}

/** The event of a dead letter, where it is one. */
export function eventOf({ event }: DeadLetter): DomainEvent | null {
  if (event === null) return null;
  try {
    const parsed = parseEvent(JSON.parse(event));
    return parsed.ok ? parsed.event : null;
  } catch {
    // It was dead-lettered for that.
    return null;
  }
}

/** Why a dead letter cannot be redriven, in words; `null` where it can. */
export function whyNotRedrivable({ event, code, eventBase64 }: DeadLetter): string | null {
  if (code === 'MISSING_EVENT_FIELD') return 'the entry had no event';
  if (code === 'WRONG_PARTITION') return 'its tenant’s events belong to another partition: publish it again instead';
  if (eventBase64 !== undefined) return 'its bytes are not a text, or were too many to keep';
  return event === null ? 'its event is gone' : null;
}

/** What it is counted by. */
export function labelOf({ tenantId, type, code, fingerprint }: DeadLetter): DeadLetterLabel {
  return { tenantId: tenantId ?? null, type: type ?? null, code, fingerprint };
}

/** What goes to the tail when the dead letter is redriven: its next attempt, which begins a new round of retries. */
export function redrivable(letter: DeadLetter): KeptEvent {
  const event = eventOf(letter);
  const attempt = letter.attempts + 1;
  return {
    field: letter.entryId,
    entryId: letter.entryId,
    digest: event && eventDigest(event.tenantid, event.source, event.id),
    event: letter.event as string,
    attempts: {
      attempt,
      round: attempt,
      firstFailedAtMs: Date.parse(letter.firstFailedAt),
      lastFailure: failureText(letter.code, letter.message),
    },
    label: formatDeadLetterLabel(labelOf(letter)),
  };
}
