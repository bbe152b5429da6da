export {
  type AppendableEvent,
  type Appended,
  type AppendedEvent,
  appendEvents,
  DEFAULT_MAX_BACKLOG,
} from './append.ts';
export { BacklogFullError, type FullReason, StreamUnavailableError } from './append-errors.ts';
export { BlockingConnection } from './blocking-connection.ts';
export { type DeadLetterCode, deadLetterRecord, type Failure, MAX_DEAD_LETTER_BYTES } from './dead-letter.ts';
export { eventDigest } from './digest.ts';
export { FencedError, StaleBatchError } from './errors.ts';
export {
  type EntryContent,
  type EntryPage,
  EventReader,
  type ReadBounds,
  type StreamEntry,
} from './event-reader.ts';
export { trimEvents } from './event-trimming.ts';
export { EventWaker, type EventWakerOptions } from './event-waker.ts';
export { type FeedExcess, type FeedTrim, feedExcessBytes, trimFeed } from './feed-trimming.ts';
export { LeaseManager, type LeaseManagerOptions } from './lease-manager.ts';
export { LeaseStore } from './lease-store.ts';
export { type MemoryState, watchMemory } from './memory-watch.ts';
export { PartitionLease } from './partition-lease.ts';
export { type PartitionShare, partitionShare } from './partition-share.ts';
export { pause } from './pause.ts';
export { checkRedis } from './redis-check.ts';
export { classifyRedisFailure, type RedisFailure } from './redis-failure.ts';
export { rotateSeen } from './seen-rotation.ts';
