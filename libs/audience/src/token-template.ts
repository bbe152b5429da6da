import {
  type AudienceToken,
  type DomainEvent,
  isAttributeText,
  MAX_AUDIENCE_TOKENS,
  MAX_TOKEN_LENGTH,
  parseAudienceToken,
} from '@rejoin/protocol';
import { type AudienceFailure, failure } from './resolution.ts';

/** An audience token with placeholders, such as `user:{data.customerId}`. */
export interface TokenTemplate {
  readonly text: string;
  /** The tokens it stands for with this event: one, or several where a placeholder names an array, or none. */
  fill(event: DomainEvent): readonly AudienceToken[] | AudienceFailure;
}

interface Placeholder {
  readonly name: string;
  readonly path: readonly string[];
}

const PLACEHOLDER = /\{([^{}]*)\}/g;
/** An attribute of the envelope, or a path into `data`. */
const NAME = /^(?!data$)[a-z0-9]{1,20}$|^data(?:\.[^.\s]+)+$/;

/**
 * Understands a template: an audience token in whose id placeholders may stand. `{subject}` and the like name an attribute
 * of the event, `{data.customerId}` a path into its data. What kind of audience it is cannot be taken from an event.
 * @throws Error whose message says what is wrong with it
 */
export function parseTokenTemplate(text: string): TokenTemplate {
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const hasPlaceholder = /[{}]/.test(text);
  const token = parseAudienceToken(hasPlaceholder && colon > 0 ? `${kind}:x` : text);
  if (token === null)
    throw new Error(`"${text}" is not tenant, user:<id>, role:<name>, group:<name> or <resource>:<id>`);
  if (!hasPlaceholder || token.kind === 'tenant') return { text, fill: () => [token] };
  const parts = parseParts(text.slice(colon + 1));
  return {
    text,
    fill(event) {
      const ids = fillParts(text, parts, event);
      if ('ok' in ids) return ids;
      for (const id of ids) {
        const problem = problemOf(`${kind}:${id}`, id);
        if (problem) return failure('AUDIENCE_INVALID', `${text} stands for ${problem}`);
      }
      return ids.map((id) => ({ ...token, id }));
    },
  };
}

/** Literal texts and placeholders, in their order. */
function parseParts(text: string): (string | Placeholder)[] {
  const parts: (string | Placeholder)[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const [whole, name] = match as unknown as [string, string];
    if (!NAME.test(name)) {
      throw new Error(`${whole} names neither an attribute, such as {subject}, nor a path, such as {data.customerId}`);
    }
    parts.push(text.slice(end, match.index), { name, path: name.split('.') });
    end = match.index + whole.length;
  }
  parts.push(text.slice(end));
  if (parts.some((part) => typeof part === 'string' && /[{}]/.test(part))) {
    throw new Error(`"${text}" has a brace without its counterpart`);
  }
  return parts.filter((part) => part !== '');
}

function fillParts(
  text: string,
  parts: readonly (string | Placeholder)[],
  event: DomainEvent,
): readonly string[] | AudienceFailure {
  let ids = [''];
  for (const part of parts) {
    const values = typeof part === 'string' ? [part] : valuesOf(text, part, event);
    if ('ok' in values) return values;
    if (ids.length * values.length > MAX_AUDIENCE_TOKENS) {
      return failure('AUDIENCE_TOO_LARGE', `${text} stands for more than ${MAX_AUDIENCE_TOKENS} audience tokens`);
    }
    // Every event passes here: a loop takes a fifth of what flatMap does.
    const longer: string[] = [];
    for (const id of ids) for (const value of values) longer.push(id + value);
    ids = longer;
  }
  return ids;
}

function valuesOf(text: string, { name, path }: Placeholder, event: DomainEvent): readonly string[] | AudienceFailure {
  let value: unknown = event;
  for (const step of path) {
    // Only what the event itself holds, never what every object inherits.
    const holds = typeof value === 'object' && value !== null && Object.hasOwn(value, step);
    value = holds ? (value as Record<string, unknown>)[step] : undefined;
  }
  if (value === undefined || value === null) return failure('AUDIENCE_TEMPLATE', `${text}: the event has no ${name}`);
  const values: string[] = [];
  for (const each of Array.isArray(value) ? value : [value]) {
    if (typeof each === 'string') values.push(each);
    // A number that JSON did not carry exactly would name somebody else.
    else if (Number.isSafeInteger(each)) values.push(String(each));
    else {
      return failure(
        'AUDIENCE_TEMPLATE',
        `${text}: ${name} must be a string, an integer below 2^53 or an array of them`,
      );
    }
  }
  return values;
}

/** What a published token must not be either. */
function problemOf(token: string, id: string): string | null {
  if (id === '') return 'an empty id';
  if (!isAttributeText(id)) return 'an id with control characters, noncharacters or lone surrogates';
  return token.length > MAX_TOKEN_LENGTH ? `a token of more than ${MAX_TOKEN_LENGTH} characters` : null;
}
