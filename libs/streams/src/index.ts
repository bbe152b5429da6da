export {
  type AppendableEvent,
  type Appended,
  type AppendedEvent,
  appendEvents,
  DEFAULT_MAX_BACKLOG,
} from './append.ts';
export { BacklogFullError, type FullReason, StreamUnavailableError } from './append-errors.ts';
export { eventDigest } from './digest.ts';
export { FencedError, StaleBatchError } from './errors.ts';
