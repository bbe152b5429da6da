import { parseAudience } from './audience.ts';
import { isTimestamp, MAX_LENGTH, RESERVED_TYPE_PREFIXES, RESERVED_TYPES, TYPE } from './event-rules.ts';

/** Printable ASCII: what `isAttributeText` accepts of most texts, at a fraction of its cost. */
const PLAIN_TEXT = /^[\x20-\x7e]+$/;

const isPlain = (text: string, maxLength: number): boolean => text.length <= maxLength && PLAIN_TEXT.test(text);

/** What each attribute must be; one that is not here is looked at in full. */
const CHECKS: Readonly<Record<string, (text: string) => boolean>> = {
  __proto__: null as never,
  specversion: (text) => text === '1.0',
  id: (text) => isPlain(text, MAX_LENGTH.id),
  source: (text) => isPlain(text, MAX_LENGTH.source),
  tenantid: (text) => isPlain(text, MAX_LENGTH.tenantid),
  subject: (text) => isPlain(text, MAX_LENGTH.subject),
  time: (text) => text.length <= MAX_LENGTH.time && isTimestamp(text),
  type: (text) =>
    text.length <= MAX_LENGTH.type &&
    TYPE.test(text) &&
    !RESERVED_TYPES.has(text) &&
    !RESERVED_TYPE_PREFIXES.some((prefix) => text.startsWith(prefix)),
  audience: (text) => parseAudience(text).ok,
};
const REQUIRED = new Set(['specversion', 'id', 'source', 'type', 'tenantid']);

/**
 * Accepts at once what most events are: the full check takes several times as long, once in the publisher and once in the
 * worker. It may miss a valid event, which is then looked at in full; it never accepts what the full check refuses.
 */
export function isPlainEvent(input: unknown): boolean {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false;
  let required = 0;
  // Inherited attributes are refused like unknown ones: `Object.keys` would cost more than all the checks.
  for (const name in input) {
    if (name === 'data') continue;
    const value = (input as Record<string, unknown>)[name];
    if (typeof value !== 'string' || !Object.hasOwn(input, name) || CHECKS[name]?.(value) !== true) return false;
    if (REQUIRED.has(name)) required += 1;
  }
  return required === REQUIRED.size;
}
