import { isUtf8 } from 'node:buffer';
import type { AudienceResolver } from '@rejoin/audience';
import type { FanOutItem } from '@rejoin/feed';
import {
  type DomainEvent,
  type EntryId,
  entryIdTimeMs,
  type FieldProblem,
  MAX_EVENT_BYTES,
  parseEvent,
  partitionOf,
  roomOf,
} from '@rejoin/protocol';
import { type DeadLetterCode, deadLetterRecord, eventDigest, type StreamEntry } from '@rejoin/streams';

/** What the decoder puts in place of bytes that are not UTF-8; a publisher may have written the character itself, too. */
const REPLACEMENT = '�';
/** Most bad attributes that a dead letter's message names. */
const MAX_NAMED_PROBLEMS = 8;
/** The latest time that a date can be, in milliseconds (ECMA-262, section 21.4.1.1). */
const LATEST_TIME_MS = 8.64e15;

/** An entry can never be delivered. */
class Undeliverable extends Error {
  readonly code: DeadLetterCode;
  readonly parsed: unknown;

  constructor(code: DeadLetterCode, message: string, parsed?: unknown) {
    super(message);
    this.code = code;
    this.parsed = parsed;
  }
}

/** Turns entries of one partition's event stream into what becomes of them. */
export class EventPreparation {
  readonly #resolver: AudienceResolver;
  readonly #partition: number;
  readonly #partitions: number;

  constructor(resolver: AudienceResolver, partition: number, partitions: number) {
    this.#resolver = resolver;
    this.#partition = partition;
    this.#partitions = partitions;
  }

  /** Whether the entry's bytes must be looked at, since its text may stand for other bytes. */
  static needsBytes({ content }: StreamEntry): boolean {
    return content.kind === 'event' && content.text.includes(REPLACEMENT);
  }

  /**
   * Never throws because of what an entry holds: what cannot be delivered becomes a dead letter that says why.
   * @param bytes of the event, where {@link EventPreparation.needsBytes} asks for them
   */
  prepare(entry: StreamEntry, bytes: Buffer | null = null): FanOutItem {
    try {
      return this.#deliver(entry, bytes);
    } catch (error) {
      if (error instanceof Undeliverable) return deadItem(entry, bytes, error);
      throw error;
    }
  }

  #deliver({ entryId, content }: StreamEntry, bytes: Buffer | null): FanOutItem {
    if (content.kind === 'missing') {
      throw new Undeliverable('PAYLOAD_MISSING', 'the entry was removed from the event stream before it was handled');
    }
    if (content.kind === 'fields') {
      throw new Undeliverable('MISSING_EVENT_FIELD', 'the entry has no field "event"');
    }
    if (bytes && !isUtf8(bytes)) throw new Undeliverable('NOT_UTF8', 'the event is not UTF-8');
    const event = this.#parse(content.text);
    const resolution = this.#resolver.resolve(event);
    if (!resolution.ok) throw new Undeliverable(resolution.code, resolution.message, event);
    return {
      kind: 'deliver',
      entryId,
      digest: eventDigest(event.tenantid, event.source, event.id),
      tenant: event.tenantid,
      rooms: resolution.tokens.map((token) => roomOf(event.tenantid, token)),
      type: event.type,
      event: clientJson(event, entryId),
    };
  }

  #parse(text: string): DomainEvent {
    // A UTF-16 code unit is at most three bytes of UTF-8, so most events need not be measured.
    if (text.length * 3 > MAX_EVENT_BYTES && Buffer.byteLength(text) > MAX_EVENT_BYTES) {
      throw new Undeliverable(
        'EVENT_TOO_LARGE',
        `the event has ${Buffer.byteLength(text)} bytes, and at most ${MAX_EVENT_BYTES} are allowed`,
      );
    }
    let input: unknown;
    try {
      input = JSON.parse(text);
    } catch (error) {
      throw new Undeliverable('INVALID_JSON', (error as Error).message);
    }
    const result = parseEvent(input);
    if (!result.ok) throw new Undeliverable('INVALID_EVENT', describe(result.problems), input);
    const home = partitionOf(result.event.tenantid, this.#partitions);
    if (home !== this.#partition) {
      throw new Undeliverable(
        'WRONG_PARTITION',
        `the tenant's events belong to partition ${home}, and this one was appended to partition ${this.#partition}`,
        input,
      );
    }
    return result.event;
  }
}

/** The JSON text of the event as clients receive it. */
function clientJson(event: DomainEvent, entryId: EntryId): string {
  const { id, type, subject, data, time = timeOf(entryId) } = event;
  try {
    return JSON.stringify({ id, type, time, subject, data });
  } catch (error) {
    // JSON.parse is not recursive, JSON.stringify is.
    if (error instanceof RangeError) throw new Undeliverable('EVENT_TOO_DEEP', 'data is nested too deeply', event);
    throw error;
  }
}

/** When the event was appended. */
function timeOf(entryId: EntryId): string {
  return new Date(Math.min(entryIdTimeMs(entryId), LATEST_TIME_MS)).toISOString();
}

function describe(problems: readonly FieldProblem[]): string {
  const named = problems.slice(0, MAX_NAMED_PROBLEMS).map(({ path, message }) => `${path || 'the event'} ${message}`);
  const more = problems.length - named.length;
  return named.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

function deadItem({ entryId, content }: StreamEntry, bytes: Buffer | null, failure: Undeliverable): FanOutItem {
  const failedAtMs = Date.now();
  const event =
    content.kind === 'event'
      ? (bytes ?? content.text)
      : content.kind === 'fields'
        ? JSON.stringify(content.fields)
        : null;
  const { code, message, parsed } = failure;
  return {
    kind: 'dead',
    entryId,
    code,
    record: deadLetterRecord({ entryId, event, parsed, code, message, failedAtMs }),
    failedAtMs,
  };
}
