/** Version 00 of the header, and later ones as far as they must stay readable: with more behind it. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?$/;
/** Characters of what version 00 has. */
const LENGTH = 55;
const SAMPLED = 1;

/**
 * The part of an event's `traceparent` by which others may link to its span, where its trace is recorded; `undefined` where it
 * is not, or where the text is none.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function sampledTraceparent(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const flags = TRACEPARENT.exec(text)?.[1];
  return flags !== undefined && (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED ? text.slice(0, LENGTH) : undefined;
}
