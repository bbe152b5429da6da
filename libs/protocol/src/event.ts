import * as v from 'valibot';
import { isAttributeText } from './attribute-text.ts';
import { parseAudience } from './audience.ts';
import { isTimestamp, MAX_LENGTH, RESERVED_TYPE_PREFIXES, RESERVED_TYPES, TYPE } from './event-rules.ts';
import { isPlainEvent } from './plain-event.ts';

/** Largest event, in bytes of its JSON text in UTF-8. */
export const MAX_EVENT_BYTES = 64 * 1024;

/**
 * A domain event in the CloudEvents 1.0 JSON format, with the extension attributes `tenantid` and `audience`.
 * `source` + `id` identify it within its tenant. Further extension attributes are kept.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface DomainEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly tenantid: string;
  /** RFC 3339; the time of publishing where absent. */
  readonly time?: string;
  readonly subject?: string;
  /** Any JSON value. */
  readonly data?: unknown;
  /** Comma-separated audience tokens; resolved from the audience rules where absent. */
  readonly audience?: string;
  readonly traceparent?: string;
  readonly [extension: string]: unknown;
}

/** What a client receives of a domain event. */
export interface ClientEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly subject?: string;
  readonly data?: unknown;
}

/** One bad field: where it is (`audience`, `data`) and what is wrong with it. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

export type ParsedEvent =
  | { readonly ok: true; readonly event: DomainEvent }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const EXTENSION_NAME = /^[a-z0-9]{1,20}$/;

const text = (maxLength: number) =>
  v.pipe(
    v.string('must be a string'),
    v.minLength(1, 'must not be empty'),
    v.maxLength(maxLength, `must have at most ${maxLength} characters`),
    v.check(isAttributeText, 'must not contain control characters, noncharacters or lone surrogates'),
  );

const EventSchema = v.looseObject(
  {
    specversion: v.literal('1.0', 'must be "1.0"'),
    id: text(MAX_LENGTH.id),
    source: text(MAX_LENGTH.source),
    type: v.pipe(
      text(MAX_LENGTH.type),
      v.regex(TYPE, 'must consist of letters, digits and _ . : / -'),
      v.check((type) => !RESERVED_TYPES.has(type), 'is a reserved name'),
      v.check(
        (type) => !RESERVED_TYPE_PREFIXES.some((prefix) => type.startsWith(prefix)),
        'must not begin with "rejoin:" or "session:"',
      ),
    ),
    tenantid: text(MAX_LENGTH.tenantid),
    time: v.nullish(
      v.pipe(
        v.string('must be a string'),
        v.maxLength(MAX_LENGTH.time, `must have at most ${MAX_LENGTH.time} characters`),
        v.check(isTimestamp, 'must be an RFC 3339 time such as 2026-01-31T12:00:00Z'),
      ),
    ),
    subject: v.nullish(text(MAX_LENGTH.subject)),
    data_base64: v.nullish(v.never('binary data is not supported; put JSON into data')),
    audience: v.nullish(
      v.pipe(
        v.string('must be a string'),
        v.rawCheck(({ dataset, addIssue }) => {
          if (!dataset.typed) return;
          const parsed = parseAudience(dataset.value);
          if (!parsed.ok) addIssue({ message: parsed.problem });
        }),
      ),
    ),
    traceparent: v.nullish(text(MAX_LENGTH.traceparent)),
  },
  'must be a JSON object',
);

/** Attributes that the schema checks; all others are extensions of which only the form is known. */
const CHECKED_ATTRIBUTES = new Set(Object.keys(EventSchema.entries).concat('data'));

/**
 * Checks the envelope of an event, not its size. An optional attribute that is `null` is absent, and so left out of the result. Reports every bad field, and never throws, whatever `input` is.
 */
export function parseEvent(input: unknown): ParsedEvent {
  return isPlainEvent(input) ? { ok: true, event: input as DomainEvent } : checkEvent(input);
}

/** The full check, which says of every event what is wrong with it. */
export function checkEvent(input: unknown): ParsedEvent {
  if (Array.isArray(input)) return { ok: false, problems: [{ path: '', message: 'must be a JSON object' }] };
  const result = v.safeParse(EventSchema, input);
  const problems = result.success
    ? []
    : result.issues.map((issue) => ({
        path: v.getDotPath(issue) ?? '',
        message: issue.received === 'undefined' ? 'is required' : issue.message,
      }));
  if (typeof input === 'object' && input !== null) problems.push(...extensionProblems(input));
  if (problems.length > 0 || !result.success) return { ok: false, problems };
  return { ok: true, event: withoutNulls(input as DomainEvent) };
}

/** @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#22-type-system-mapping */
function withoutNulls(event: DomainEvent): DomainEvent {
  const attributes = Object.entries(event);
  const present = attributes.filter(([name, value]) => value !== null || name === 'data');
  return present.length === attributes.length ? event : (Object.fromEntries(present) as unknown as DomainEvent);
}

/** Extension attributes have short lower-case names and simple values; `null` stands for absent. */
function extensionProblems(input: object): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [name, value] of Object.entries(input)) {
    if (CHECKED_ATTRIBUTES.has(name)) continue;
    if (!EXTENSION_NAME.test(name)) {
      problems.push({
        path: name.slice(0, 64),
        message: 'is not an attribute name: lower-case letters and digits only',
      });
    } else if (value !== null && typeof value === 'object') {
      problems.push({ path: name, message: 'must be a string, a number or a boolean; put structures into data' });
    } else if (typeof value === 'string' && !isAttributeText(value)) {
      problems.push({ path: name, message: 'must not contain control characters, noncharacters or lone surrogates' });
    }
  }
  return problems;
}
