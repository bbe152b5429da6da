export { type GroupChange, GroupLimitError, InvalidGroupError } from '@rejoin/audience';
export {
  BacklogFullError,
  BatchIncompleteError,
  EventTooLargeError,
  InvalidEventError,
  PublisherClosedError,
  PublisherOverloadedError,
  StreamUnavailableError,
} from './errors.ts';
export type { AnyEvents, EventAttributes, EventInput } from './event-input.ts';
export type { Groups } from './groups.ts';
export type { PublisherListener, PublisherOptions } from './options.ts';
export type { Published } from './published.ts';
export { createPublisher, type Publisher } from './publisher.ts';
export type { Scheduled, ScheduledIdentity, Schedules } from './schedules.ts';
