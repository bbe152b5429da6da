/** Most patterns a client may give. */
export const MAX_EVENT_PATTERNS = 64;
const MAX_PATTERN_LENGTH = 128;

/** Whether a pattern of a client's `events` is well formed: a type, or the beginning of one followed by `*`. */
export function isEventPattern(pattern: unknown): pattern is string {
  return (
    typeof pattern === 'string' &&
    pattern.length > 0 &&
    pattern.length <= MAX_PATTERN_LENGTH &&
    !pattern.slice(0, -1).includes('*')
  );
}

/** A test for event types: `order.*` matches `order.paid`, `*` everything, any other pattern itself alone. */
export function eventFilter(patterns: readonly string[]): (type: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  return (type) => exact.has(type) || beginnings.some((beginning) => type.startsWith(beginning));
}
