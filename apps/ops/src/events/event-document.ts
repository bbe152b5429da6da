import { Problem } from '../problem/problem.ts';

/** Most events of one request. */
const MAX_BATCH_EVENTS = 1_000;

/** What a request's body holds. Its events are not validated yet. */
export type EventDocument =
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'batch'; readonly events: readonly unknown[] };

const MEDIA_TYPES = new Set(['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json']);

/** @throws Problem 415 where `contentType` is none of the three that are taken, or names another character set than UTF-8 */
export function requireEventMediaType(contentType: string | undefined): void {
  const [mediaType = '', ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  if (!MEDIA_TYPES.has(mediaType) || !['utf-8', 'utf8', undefined].includes(charset?.replaceAll('"', ''))) {
    throw new Problem(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      `the content type must be ${[...MEDIA_TYPES].join(' or ')}, in UTF-8`,
      {
        headers: { accept: [...MEDIA_TYPES].join(', ') },
      },
    );
  }
}

/**
 * JSON values that one body holds at most. Parsing stops everything else in this process: 16 MB of `[` take 3.5 s, and
 * this many values, whatever they are, half a second.
 */
const MAX_JSON_VALUES = 500_000;

/**
 * @throws Problem 400 where the body is not UTF-8, not JSON, or holds too many events; 413 where it holds too many values
 */
export function parseEventDocument(body: Buffer): EventDocument {
  if (body.length > MAX_JSON_VALUES && countsMoreValues(body, MAX_JSON_VALUES)) {
    throw new Problem(413, 'EVENT_TOO_LARGE', `the body holds more than ${MAX_JSON_VALUES} JSON values`);
  }
  const document = parseJson(decode(body));
  if (!Array.isArray(document)) return { kind: 'event', event: document };
  if (document.length > MAX_BATCH_EVENTS) {
    throw invalid(`a batch holds at most ${MAX_BATCH_EVENTS} events, not ${document.length}`);
  }
  return { kind: 'batch', events: document };
}

/** Counts what begins a value after the first one: commas, arrays and objects, outside of strings. */
function countsMoreValues(json: Buffer, limit: number): boolean {
  let values = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted) {
      if (byte === BACKSLASH) at++;
    } else if (byte === COMMA || byte === BRACKET || byte === BRACE) {
      values++;
      if (values > limit) return true;
    }
  }
  return false;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/** Strictly: a lenient decoder would put U+FFFD where a byte is wrong, and store something else than was sent. */
function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw invalid('the body is not UTF-8', cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid(`the body is not JSON: ${(cause as Error).message.slice(0, 200)}`, cause);
  }
}

function invalid(detail: string, cause?: unknown): Problem {
  return new Problem(400, 'INVALID_EVENT', detail, { errors: [{ path: '', message: detail }], cause });
}
