export {
  type AppendableEvent,
  type Appended,
  type AppendedEvent,
  appendEvents,
  DEFAULT_MAX_BACKLOG,
} from './append.ts';
export { BacklogFullError, type FullReason, StreamUnavailableError } from './append-errors.ts';
export { type Attempts, readAttempts } from './attempts.ts';
export { type AuditLine, writeAuditLine } from './audit-line.ts';
export { BlockingConnection } from './blocking-connection.ts';
export {
  type DeadLetterCode,
  deadLetterRecord,
  type Failure,
  MAX_DEAD_LETTER_BYTES,
} from './dead-letters/dead-letter.ts';
export type { DeadLetterCounts, DeadLetterGroup } from './dead-letters/dead-letter-counts.ts';
export type { DeadLetterFilter } from './dead-letters/dead-letter-filter.ts';
export { type DeadLetterId, formatDeadLetterId, parseDeadLetterId } from './dead-letters/dead-letter-id.ts';
export { labelOfRecord, writeDeadLetter } from './dead-letters/dead-letter-label.ts';
export type { DeadLetterPage, DeadLetterScan } from './dead-letters/dead-letter-scan.ts';
export {
  type DeadLetterQuery,
  DeadLetterStore,
  type Redriven,
  type Tombstone,
} from './dead-letters/dead-letter-store.ts';
export { deadLetterFingerprint } from './dead-letters/fingerprint.ts';
export { type DeadLetter, eventOf, whyNotRedrivable } from './dead-letters/kept-dead-letter.ts';
export {
  type DeadLetterRetention,
  type DeadLettersRemoved,
  retainDeadLetters,
  TOMBSTONE_MS,
} from './dead-letters/retention.ts';
export { eventDigest } from './digest.ts';
export { FencedError, PausedError, StaleBatchError } from './errors.ts';
export { EventReader, type ReadBounds, type ReadingStart, withMissing } from './event-reader.ts';
export { trimEvents } from './event-trimming.ts';
export { EventWaker, type EventWakerOptions } from './event-waker.ts';
export { type FeedExcess, type FeedTrim, feedExcessBytes, trimFeed } from './feed-trimming.ts';
export { removeIdleConsumers } from './idle-consumers.ts';
export { LeaseManager, type LeaseManagerOptions } from './lease-manager.ts';
export { LeaseStore } from './lease-store.ts';
export { type MemoryState, watchMemory } from './memory-watch.ts';
export {
  listParked,
  type ParkedEvent,
  type Parking,
  parkedRecord,
  releaseParked,
} from './parking.ts';
export { PartitionLease } from './partition-lease.ts';
export {
  MAX_PAUSE_MS,
  type PartitionPause,
  pauseOf,
  pausePartition,
  resumePartition,
} from './partition-pause.ts';
export { type PartitionShare, partitionShare } from './partition-share.ts';
export { untilAnswered } from './patience.ts';
export { pause } from './pause.ts';
export {
  type Keeping,
  type KeptEvent,
  type Reappended,
  type ReappendOptions,
  type Release,
  reappend,
} from './reappend.ts';
export { checkRedis, examineServer, readServerInfo, type ServerFinding } from './redis-check.ts';
export { classifyRedisFailure, type RedisFailure } from './redis-failure.ts';
export {
  cancelScheduled,
  DEFAULT_MAX_SCHEDULED,
  dueTimesBy,
  releaseScheduled,
  type SchedulableEvent,
  type ScheduledEvent,
  scheduleEvents,
} from './scheduling.ts';
export { rotateSeen } from './seen-rotation.ts';
export type { EntryContent, EntryPage, StreamEntry } from './stream-entry.ts';
export { markUpkept } from './upkeep-mark.ts';
