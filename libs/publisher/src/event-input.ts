import { randomUUID } from 'node:crypto';
import { type FieldProblem, MAX_EVENT_BYTES, type ParsedEvent, parseEvent, sampledTraceparent } from '@rejoin/protocol';
import { eventDigest } from '@rejoin/streams';
import { EventTooLargeError, InvalidEventError } from './errors.ts';

/** Any event type, with any data. */
export type AnyEvents = Record<string, unknown>;

/** The CloudEvents attributes of an event besides `type` and `data`. */
export interface EventAttributes {
  /** Who publishes: a URI reference such as `/orders`. */
  readonly source: string;
  readonly tenantid: string;
  /**
   * With `source`, identifies the event: the same pair within ten minutes is accepted once. A random UUID where absent;
   * give your own where you may have to repeat a call.
   */
  readonly id?: string;
  readonly specversion?: '1.0';
  /** RFC 3339; now, where absent. */
  readonly time?: string;
  readonly subject?: string;
  /** Comma-separated audience tokens; the installation's audience rules decide where absent. */
  readonly audience?: string;
  readonly traceparent?: string;
  /** Extension attributes: lower-case names, simple values. */
  readonly [extension: string]: unknown;
}

/** What `publish` takes. `Events` maps each event type to the type of its `data`. */
export type EventInput<Events extends object = AnyEvents> = {
  [Type in keyof Events & string]: EventAttributes & { readonly type: Type } & (undefined extends Events[Type]
      ? { readonly data?: Events[Type] }
      : { readonly data: Events[Type] });
}[keyof Events & string];

/** A validated event, ready to be appended. */
export interface PreparedEvent {
  readonly eventId: string;
  readonly tenantId: string;
  readonly digest: string;
  readonly json: string;
  readonly bytes: number;
  /** See `sampledTraceparent`. */
  readonly traceparent: string | undefined;
}

/**
 * Completes, validates and serialises an event. `null` stands for an absent attribute, as the CloudEvents JSON format
 * has it, except in `data`.
 * @param fillIdentity whether an absent `id` and `specversion` are filled; `time` always is
 * @throws InvalidEventError
 * @throws EventTooLargeError
 */
export function prepareEvent(input: unknown, fillIdentity: boolean): PreparedEvent {
  const parsed = parseCompleted(completed(input, fillIdentity));
  if (!parsed.ok) throw new InvalidEventError(parsed.problems);
  const { event } = parsed;
  const json = serialised(event);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_EVENT_BYTES) throw new EventTooLargeError(bytes, MAX_EVENT_BYTES);
  const { id, source, tenantid } = event;
  const digest = eventDigest(tenantid, source, id);
  return { eventId: id, tenantId: tenantid, digest, json, bytes, traceparent: sampledTraceparent(event.traceparent) };
}

function completed(input: unknown, fillIdentity: boolean): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  // A copy: the caller's object stays as it is, and what is validated is what is sent. Spreading defines a `__proto__`
  // that came out of JSON as the plain property it is; assigning it would let its attributes be inherited.
  const event: Record<string, unknown> = { ...input };
  if (fillIdentity) {
    event.specversion ??= '1.0';
    event.id ??= randomUUID();
  }
  event.time ??= new Date().toISOString();
  return event;
}

function parseCompleted(event: unknown): ParsedEvent {
  const parsed = parseEvent(event);
  if (parsed.ok || typeof event !== 'object' || event === null || Array.isArray(event)) return parsed;
  // A required attribute that is `null` is missing, not of a wrong type.
  const present = Object.entries(event).filter(([name, value]) => value !== null || name === 'data');
  return parseEvent(Object.fromEntries(present));
}

function serialised(event: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(event);
  } catch (cause) {
    const path = Object.keys(event).find((name) => typeof event[name] === 'bigint') ?? 'data';
    const error = new InvalidEventError([{ path, message: unserialisable(cause) }]);
    error.cause = cause;
    throw error;
  }
}

function unserialisable(cause: unknown): string {
  if (cause instanceof RangeError) return 'is nested too deeply';
  return 'must be a JSON value: no cycles, no big integers';
}

/**
 * Prepares all events of a batch.
 * @throws InvalidEventError with every bad field of every event, each path beginning with the event's index
 * @throws EventTooLargeError for the first event that is too large
 */
export function prepareBatch(inputs: readonly unknown[], fillIdentity: boolean): PreparedEvent[] {
  const prepared: PreparedEvent[] = [];
  const problems: FieldProblem[] = [];
  let tooLarge: EventTooLargeError | undefined;
  for (const [index, input] of inputs.entries()) {
    try {
      prepared.push(prepareEvent(input, fillIdentity));
    } catch (error) {
      if (error instanceof InvalidEventError) problems.push(...error.problems.map((problem) => within(index, problem)));
      else if (error instanceof EventTooLargeError) {
        tooLarge ??= new EventTooLargeError(error.bytes, error.maxBytes, index);
      } else throw error;
    }
  }
  if (problems.length > 0) throw new InvalidEventError(problems);
  if (tooLarge) throw tooLarge;
  return prepared;
}

function within(index: number, { path, message }: FieldProblem): FieldProblem {
  return { path: path === '' ? `[${index}]` : `[${index}].${path}`, message };
}
