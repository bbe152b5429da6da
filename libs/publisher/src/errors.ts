import type { FieldProblem } from '@rejoin/protocol';
import type { Published } from './published.ts';

export { BacklogFullError, StreamUnavailableError } from '@rejoin/streams';

/** The event, or one of a batch, is not a valid event; nothing was sent. */
export class InvalidEventError extends Error {
  readonly code = 'INVALID_EVENT';
  override readonly name = 'InvalidEventError';
  /** Every bad field. Within a batch a path begins with the event's index: `[3].tenantid`. */
  readonly problems: readonly FieldProblem[];

  constructor(problems: readonly FieldProblem[]) {
    const shown = problems.slice(0, 3).map(({ path, message }) => (path === '' ? message : `${path} ${message}`));
    super(`invalid event: ${shown.join('; ')}${problems.length > 3 ? '; …' : ''}`);
    this.problems = problems;
  }
}

/** The event is larger than an event may be; nothing was sent. */
export class EventTooLargeError extends Error {
  readonly code = 'EVENT_TOO_LARGE';
  override readonly name = 'EventTooLargeError';
  /** Of its JSON text in UTF-8. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Which event of a batch; 0 for a single one. */
  readonly index: number;

  constructor(bytes: number, maxBytes: number, index = 0) {
    super(`the event has ${bytes} bytes as JSON; at most ${maxBytes} are allowed`);
    this.bytes = bytes;
    this.maxBytes = maxBytes;
    this.index = index;
  }
}

/** More events wait to be sent than the publisher may hold: they are published faster than Redis takes them. */
export class PublisherOverloadedError extends Error {
  readonly code = 'PUBLISHER_OVERLOADED';
  override readonly name = 'PublisherOverloadedError';
  /** Milliseconds to wait before repeating the call. */
  readonly retryAfterMs = 1_000;
}

/** The publisher is closed, or was closed before Redis confirmed the event, which may be there nevertheless. */
export class PublisherClosedError extends Error {
  readonly code = 'PUBLISHER_CLOSED';
  override readonly name = 'PublisherClosedError';
}

/**
 * Of a batch, some events were appended and others were not. Repeating the whole batch is safe: what was appended is
 * answered as a duplicate. `cause` is the first failure.
 */
export class BatchIncompleteError extends Error {
  readonly code = 'BATCH_INCOMPLETE';
  override readonly name = 'BatchIncompleteError';
  /** One for each event, in their order. */
  readonly results: readonly PromiseSettledResult<Published>[];
  /** How many were appended, or had been before. */
  readonly accepted: number;

  constructor(results: readonly PromiseSettledResult<Published>[], accepted: number, cause: unknown) {
    super(`${accepted} of ${results.length} events were accepted; repeating the whole batch is safe`, { cause });
    this.results = results;
    this.accepted = accepted;
  }
}
