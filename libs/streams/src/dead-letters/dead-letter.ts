import { isUtf8 } from 'node:buffer';
import type { EntryId } from '@rejoin/protocol';
import { deadLetterFingerprint } from './fingerprint.ts';

/** Why an event can never be delivered. */
export type DeadLetterCode =
  /** The entry has no field `event`. */
  | 'MISSING_EVENT_FIELD'
  /** The entry was pending when its payload had gone from the stream. */
  | 'PAYLOAD_MISSING'
  | 'NOT_UTF8'
  | 'EVENT_TOO_LARGE'
  | 'INVALID_JSON'
  /** The envelope breaks CloudEvents 1.0 or a rule of this installation's; the message names each bad attribute. */
  | 'INVALID_EVENT'
  /** `data` is nested too deeply to be written out again. */
  | 'EVENT_TOO_DEEP'
  /** The tenant's events belong to another partition, where its order is kept. */
  | 'WRONG_PARTITION'
  | 'NO_AUDIENCE_RULE'
  | 'AUDIENCE_TEMPLATE'
  | 'AUDIENCE_INVALID'
  | 'AUDIENCE_TOO_LARGE'
  /** The resolver for its type says that nobody may see it. */
  | 'RESOLVER_REFUSED'
  /** The resolver for its type failed at every attempt, or was down. */
  | 'RESOLVER_FAILED'
  /** The resolver for its type did not answer in time at the last attempt. */
  | 'RESOLVER_TIMEOUT'
  /** The membership directory could not be asked at the last attempt. */
  | 'DIRECTORY_UNAVAILABLE'
  /** Every worker that ran it ended before it was handled. */
  | 'WORKER_DIED'
  /** The worker met a defect of its own; the stack says where. */
  | 'UNEXPECTED_FAILURE';

/** What is known of an event that cannot be delivered. */
export interface Failure {
  readonly entryId: EntryId;
  /** The entry's event, as text or as the bytes it has; `null` where it is gone. */
  readonly event: string | Buffer | null;
  /** The parsed event, where it could be parsed: whatever of its attributes is text goes into the record. */
  readonly parsed?: unknown;
  readonly code: DeadLetterCode;
  /** In words, for an operator. */
  readonly message: string;
  readonly stack?: string;
  /** How often it was tried; 1 by default, 0 where its resolver was down all the time. */
  readonly attempts?: number;
  readonly firstFailedAtMs?: number;
  readonly failedAtMs: number;
}

/** Most bytes of an event that a dead letter keeps; of a larger one it keeps the beginning and says so. */
export const MAX_DEAD_LETTER_BYTES = 1024 ** 2;
const MAX_ATTRIBUTE_LENGTH = 256;

/** The JSON text of a dead letter; `docs/reference/redis-keys.md` describes it. */
export function deadLetterRecord(failure: Failure): string {
  const { entryId, code, message, stack, attempts = 1, failedAtMs, firstFailedAtMs = failedAtMs } = failure;
  return JSON.stringify({
    entryId,
    ...storedEvent(failure.event),
    eventId: attribute(failure.parsed, 'id'),
    tenantId: attribute(failure.parsed, 'tenantid'),
    type: attribute(failure.parsed, 'type'),
    code,
    // As it is counted by: it must stay what it was when the way of making it changes.
    fingerprint: deadLetterFingerprint(code, message),
    message,
    stack,
    attempts,
    firstFailedAt: new Date(firstFailedAtMs).toISOString(),
    lastFailedAt: new Date(failedAtMs).toISOString(),
  });
}

function storedEvent(event: string | Buffer | null): object {
  if (event === null) return { event: null };
  const bytes = typeof event === 'string' ? Buffer.from(event) : event;
  if (bytes.length > MAX_DEAD_LETTER_BYTES) {
    const kept = bytes.subarray(0, MAX_DEAD_LETTER_BYTES).toString('base64');
    return { eventBase64: kept, truncated: true, bytes: bytes.length };
  }
  // A lone surrogate in a text does not survive UTF-8, but no entry that was read from Redis has one.
  return isUtf8(bytes) ? { event: bytes.toString() } : { eventBase64: bytes.toString('base64') };
}

function attribute(parsed: unknown, name: string): string | undefined {
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const value = (parsed as Record<string, unknown>)[name];
  return typeof value === 'string' ? wellFormed(value.slice(0, MAX_ATTRIBUTE_LENGTH)) : undefined;
}

/** A text that was cut within a character, or never was one, cannot be percent-encoded. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
