import { randomUUID } from 'node:crypto';
import { type DomainEvent, MAX_EVENT_BYTES, parseEvent } from '@rejoin/protocol';
import { EventTooLargeError, InvalidEventError } from '@rejoin/publisher';

/**
 * An event as `toEvent` makes it. What it leaves out is filled in: `source` from the module's options, `type` with the name
 * under which it was emitted, a random `id`, the `time` of the moment, `specversion`.
 */
export interface ForwardedEvent {
  readonly tenantid: string;
  readonly id?: string;
  readonly source?: string;
  readonly type?: string;
  readonly time?: string;
  readonly subject?: string;
  /** Comma-separated audience tokens; the installation's audience rules decide where absent. */
  readonly audience?: string;
  readonly traceparent?: string;
  /** Any JSON value. */
  readonly data?: unknown;
  /** Extension attributes: lower-case names, simple values. */
  readonly [extension: string]: unknown;
}

/**
 * The event for a rule without `toEvent`: `type` is the name, `data` the payload as it is, `tenantid` its property `tenantId`
 * and `subject` its property `subject`, where they are text or numbers.
 */
export function defaultMapping(payload: unknown): ForwardedEvent {
  const { tenantId, subject } = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<
    string,
    unknown
  >;
  return {
    tenantid: asText(tenantId) as string,
    ...(subject === undefined || subject === null ? {} : { subject: asText(subject) as string }),
    data: payload,
  };
}

/** Numbers are common as ids; whatever else is no text is left to the validation. */
function asText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value;
}

/** A valid event, as the text that it was when it was emitted: whatever its payload becomes later. */
export interface ForwardableEvent {
  readonly tenantId: string;
  readonly json: string;
  /** Of the text in UTF-8. */
  readonly bytes: number;
}

/**
 * Completes, checks and copies an event.
 * @throws InvalidEventError, EventTooLargeError
 */
export function forwardable(event: ForwardedEvent, name: string, source: string | undefined): ForwardableEvent {
  const given = Object.entries(event).filter(([key, value]) => key === 'data' || value !== null);
  const json = serialised({
    specversion: '1.0',
    id: randomUUID(),
    type: name,
    time: new Date().toISOString(),
    ...(source === undefined ? {} : { source }),
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
  });
  const bytes = Buffer.byteLength(json);
  const parsed = parseEvent(JSON.parse(json));
  if (!parsed.ok) throw new InvalidEventError(parsed.problems);
  if (bytes > MAX_EVENT_BYTES) throw new EventTooLargeError(bytes, MAX_EVENT_BYTES);
  return { tenantId: parsed.event.tenantid, json, bytes };
}

function serialised(event: object): string {
  try {
    return JSON.stringify(event);
  } catch (cause) {
    const error = new InvalidEventError([
      { path: 'data', message: 'must be a JSON value: no cycles, no big integers' },
    ]);
    error.cause = cause;
    throw error;
  }
}

export function eventOf({ json }: ForwardableEvent): DomainEvent {
  return JSON.parse(json) as DomainEvent;
}
