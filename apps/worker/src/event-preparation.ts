import { isUtf8 } from 'node:buffer';
import type { FanOutItem } from '@rejoin/feed';
import {
  type DomainEvent,
  type EntryId,
  entryIdTimeMs,
  type FieldProblem,
  MAX_EVENT_BYTES,
  parseEvent,
  partitionOf,
  sampledTraceparent,
} from '@rejoin/protocol';
import {
  type Attempts,
  type DeadLetterCode,
  deadLetterRecord,
  eventDigest,
  parkedRecord,
  type StreamEntry,
} from '@rejoin/streams';
import type { RetryPolicy } from './retry-policy.ts';
import { isPromise, type Resolved, type RetryingResolver } from './retrying-resolver.ts';

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
  /** Whether the attempt at hand was made. */
  readonly wasTried: boolean;

  constructor(code: DeadLetterCode, message: string, parsed?: unknown, wasTried = true) {
    super(message);
    this.code = code;
    this.parsed = parsed;
    this.wasTried = wasTried;
  }
}

/** Turns entries of one partition's event stream into what becomes of them. */
export class EventPreparation {
  readonly #resolver: RetryingResolver;
  readonly #retries: RetryPolicy;
  readonly #partition: number;
  readonly #partitions: number;

  constructor(resolver: RetryingResolver, retries: RetryPolicy, partition: number, partitions: number) {
    this.#resolver = resolver;
    this.#retries = retries;
    this.#partition = partition;
    this.#partitions = partitions;
  }

  /** Whether the entry's bytes must be looked at, since its text may stand for other bytes. */
  static needsBytes({ content }: StreamEntry): boolean {
    return content.kind === 'event' && content.text.includes(REPLACEMENT);
  }

  /**
   * Never throws and never rejects because of what an entry holds: what cannot be delivered is parked, or becomes a dead
   * letter that says why. Answers at once unless a resolver has to be waited for.
   * @param bytes of the event, where {@link EventPreparation.needsBytes} asks for them
   * @param signal gives up waiting; what is answered then must not be used
   */
  prepare(entry: StreamEntry, bytes: Buffer | null, signal: AbortSignal): FanOutItem | Promise<FanOutItem> {
    return guarded(entry, bytes, () => {
      const event = this.#read(entry, bytes);
      const resolved = this.#resolver.resolve(event, signal);
      if (!isPromise(resolved)) return this.#item(entry, event, resolved);
      return resolved.then(
        (late) => guarded(entry, bytes, () => this.#item(entry, event, late)),
        (defect: unknown) => guarded(entry, bytes, () => fail(defect)),
      );
    });
  }

  /** What becomes of an entry under which `trials` workers ended. */
  giveUp(entry: StreamEntry, trials: number): FanOutItem {
    const message = `${trials} workers in a row ended while they ran it`;
    return deadItem(entry, null, new Undeliverable('WORKER_DIED', message, parsedOf(entry)), { attempts: trials });
  }

  #read({ content }: StreamEntry, bytes: Buffer | null): DomainEvent {
    if (content.kind === 'missing') {
      throw new Undeliverable('PAYLOAD_MISSING', 'the entry was removed from the event stream before it was handled');
    }
    if (content.kind === 'fields') {
      throw new Undeliverable('MISSING_EVENT_FIELD', 'the entry has no field "event"');
    }
    if (bytes && !isUtf8(bytes)) throw new Undeliverable('NOT_UTF8', 'the event is not UTF-8');
    return this.#parse(content.text);
  }

  #item(entry: StreamEntry, event: DomainEvent, resolved: Resolved): FanOutItem {
    const { entryId } = entry;
    if (resolved.kind === 'never') throw new Undeliverable(resolved.code, resolved.message, event);
    if (resolved.kind !== 'rooms') return this.#later(entry, event, resolved);
    return {
      kind: 'deliver',
      entryId,
      eventId: event.id,
      digest: eventDigest(event.tenantid, event.source, event.id),
      tenant: event.tenantid,
      rooms: resolved.rooms,
      type: event.type,
      traceparent: sampledTraceparent(event.traceparent),
      event: clientJson(event, entryId),
    };
  }

  #later(
    { entryId, content }: StreamEntry,
    event: DomainEvent,
    { kind, code, message }: Exclude<Resolved, { readonly kind: 'rooms' | 'never' }>,
  ): FanOutItem {
    const attempts = attemptsOf(content) ?? { attempt: 1, round: 1, firstFailedAtMs: Date.now() };
    const wasTried = kind === 'later';
    const delayMs = wasTried ? this.#retries.delayMs(attempts) : this.#retries.postponementMs(attempts);
    if (delayMs === null) throw new Undeliverable(code, message, event, wasTried);
    const failedAtMs = Date.now();
    const text = content.kind === 'event' ? content.text : '';
    const dueAtMs = failedAtMs + delayMs;
    const record = parkedRecord({ entryId, text, event, code, message, attempts, wasTried, failedAtMs, dueAtMs });
    return { kind: 'park', entryId, record, dueAtMs };
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

function attemptsOf(content: StreamEntry['content']): Attempts | undefined {
  return content.kind === 'event' ? content.attempts : undefined;
}

/** The entry's JSON, for the attributes that can be read from it. */
function parsedOf({ content }: StreamEntry): unknown {
  try {
    return content.kind === 'event' ? JSON.parse(content.text) : undefined;
  } catch {
    // Then it has none.
    return undefined;
  }
}

/** Makes a dead letter of what is thrown: known to be undeliverable, or a defect of ours that must stop nobody. */
function guarded<Item extends FanOutItem | Promise<FanOutItem>>(
  entry: StreamEntry,
  bytes: Buffer | null,
  attempt: () => Item,
): Item | FanOutItem {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof Undeliverable) return deadItem(entry, bytes, error);
    const failure = new Undeliverable('UNEXPECTED_FAILURE', String(error), parsedOf(entry));
    const { stack } = error as Error;
    return deadItem(entry, bytes, failure, stack === undefined ? {} : { stack });
  }
}

function fail(error: unknown): never {
  throw error;
}

function deadItem(
  { entryId, content }: StreamEntry,
  bytes: Buffer | null,
  failure: Undeliverable,
  details: { readonly attempts?: number; readonly stack?: string } = {},
): FanOutItem {
  const failedAtMs = Date.now();
  const event =
    content.kind === 'event'
      ? (bytes ?? content.text)
      : content.kind === 'fields'
        ? JSON.stringify(content.fields)
        : null;
  const { code, message, parsed, wasTried } = failure;
  const before = attemptsOf(content);
  return {
    kind: 'dead',
    entryId,
    code,
    record: deadLetterRecord({
      entryId,
      event,
      parsed,
      code,
      message,
      failedAtMs,
      ...(before
        ? { attempts: wasTried ? before.attempt : before.attempt - 1, firstFailedAtMs: before.firstFailedAtMs }
        : {}),
      ...details,
    }),
    failedAtMs,
  };
}
