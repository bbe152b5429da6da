/** Events are to be forwarded in a way that cannot work; the application must not start. */
export class InvalidForwardingError extends Error {
  readonly code = 'INVALID_FORWARDING';
  override readonly name = 'InvalidForwardingError';
}

/** What `toEvent` was given, it could not make an event of; `cause` is what it threw. Nothing was sent. */
export class EventMappingError extends Error {
  readonly code = 'EVENT_MAPPING_FAILED';
  override readonly name = 'EventMappingError';
}

/** More events wait to be forwarded than may: they are emitted faster than Redis takes them, or it is away. Nothing was sent. */
export class ForwardQueueFullError extends Error {
  readonly code = 'FORWARD_QUEUE_FULL';
  override readonly name = 'ForwardQueueFullError';
}

/** An event was tried for as long as may be; `cause` is the last failure. It may have been appended. */
export class ForwardingGivenUpError extends Error {
  readonly code = 'FORWARDING_GIVEN_UP';
  override readonly name = 'ForwardingGivenUpError';
}

/** The application stopped before Redis confirmed the event, which may have been appended where it was tried at all. */
export class ForwardingStoppedError extends Error {
  readonly code = 'FORWARDING_STOPPED';
  override readonly name = 'ForwardingStoppedError';
}
