export { isAttributeText } from './attribute-text.ts';
export {
  type AudienceToken,
  formatAudienceToken,
  MAX_AUDIENCE_TOKENS,
  MAX_TOKEN_LENGTH,
  type ParsedAudience,
  parseAudience,
  parseAudienceToken,
  parseRoom,
  roomOf,
} from './audience.ts';
export { type Refusal, refusal, WIRE_CODES, type WireCode } from './codes.ts';
export { type Cursor, formatCursor, MAX_CURSOR_LENGTH, parseCursor } from './cursor.ts';
export {
  compareEntryIds,
  ENTRY_ID_ZERO,
  type EntryId,
  entryIdTimeMs,
  isEntryId,
  laterEntryId,
} from './entry-id.ts';
export {
  type ClientEvent,
  type DomainEvent,
  type FieldProblem,
  MAX_EVENT_BYTES,
  type ParsedEvent,
  parseEvent,
} from './event.ts';
export { eventFilter, isEventPattern, MAX_EVENT_PATTERNS } from './event-filter.ts';
export { MAX_LENGTH } from './event-rules.ts';
export { crc16, partitionOf } from './partition.ts';
export type { GapReason, HandshakeAuth, Ready, ReplayReport, ServerToClientEvents } from './socket-events.ts';
export { sampledTraceparent } from './traceparent.ts';
