/** Most characters of each attribute of an event. */
export const MAX_LENGTH = {
  id: 256,
  source: 512,
  type: 128,
  tenantid: 128,
  time: 64,
  subject: 512,
  traceparent: 128,
} as const;

/** Names that mean something to Socket.IO itself, or to this protocol, and so cannot be event types. */
export const RESERVED_TYPES = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
  'error',
]);
export const RESERVED_TYPE_PREFIXES = ['rejoin:', 'session:'];
export const TYPE = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$/;
// RFC 3339, section 5.6.
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** What most timestamps are, on a day that every month has: valid without being made a date. */
const PLAIN_TIMESTAMP =
  /^[1-9]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;

export function isTimestamp(text: string): boolean {
  return PLAIN_TIMESTAMP.test(text) || (TIMESTAMP.test(text) && !Number.isNaN(Date.parse(text)));
}
