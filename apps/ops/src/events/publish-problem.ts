import {
  BacklogFullError,
  BatchIncompleteError,
  EventTooLargeError,
  InvalidEventError,
  type Published,
  PublisherClosedError,
  PublisherOverloadedError,
  StreamUnavailableError,
} from '@rejoin/publisher';
import { PartitionCountMismatchError } from '@rejoin/redis';
import { Problem } from '../problem/problem.ts';

/** One accepted event, as the answer shows it. */
export interface PublishResult {
  /** The event's own id. */
  readonly id: string;
  /** The position behind it; `null` while it is scheduled. */
  readonly cursor: string | null;
  readonly duplicate: boolean;
  /** When it is published, where that is later. */
  readonly deliverAt?: string;
}

export function publishResult({ eventId, cursor, duplicate }: Published): PublishResult {
  return { id: eventId, cursor, duplicate };
}

/** How a publisher's refusal is answered. @returns `null` for what is not a refusal */
export function publishProblem(error: unknown, kind: 'event' | 'batch'): Problem | null {
  if (error instanceof InvalidEventError) {
    const detail = `${error.problems.length} ${error.problems.length === 1 ? 'field is' : 'fields are'} not valid`;
    return new Problem(400, 'INVALID_EVENT', detail, { errors: error.problems, cause: error });
  }
  if (error instanceof EventTooLargeError) {
    const path = kind === 'batch' ? `[${error.index}]` : '';
    return new Problem(413, 'EVENT_TOO_LARGE', error.message, {
      errors: [{ path, message: error.message }],
      cause: error,
    });
  }
  if (error instanceof BacklogFullError) {
    const { retryAfterMs, reason } = error;
    return new Problem(429, 'BACKLOG_FULL', error.message, { retryAfterMs, extensions: { reason }, cause: error });
  }
  if (error instanceof StreamUnavailableError) {
    const detail = 'the event stream cannot be reached; repeating the request is safe';
    return new Problem(503, 'STREAM_UNAVAILABLE', detail, { retryAfterMs: error.retryAfterMs, cause: error });
  }
  if (error instanceof PublisherOverloadedError) {
    const detail = 'events come in faster than they can be stored';
    return new Problem(503, 'OVERLOADED', detail, { retryAfterMs: error.retryAfterMs, cause: error });
  }
  if (error instanceof PublisherClosedError) {
    return new Problem(503, 'DRAINING', 'the server is stopping', { retryAfterMs: 1_000, cause: error });
  }
  if (error instanceof PartitionCountMismatchError) {
    const detail = 'the event stream was replaced by another installation’s';
    return new Problem(503, 'STREAM_UNAVAILABLE', detail, { retryAfterMs: 10_000, cause: error });
  }
  return error instanceof BatchIncompleteError ? incompleteProblem(error) : null;
}

function incompleteProblem(error: BatchIncompleteError): Problem | null {
  const { accepted, results } = error;
  const detail =
    `${accepted} of ${results.length} events were accepted; ` +
    'repeat the whole batch: what was accepted is answered as a duplicate';
  return (
    publishProblem(error.cause, 'batch')?.with(detail, {
      accepted,
      total: results.length,
      results: results.map((result) =>
        result.status === 'fulfilled'
          ? publishResult(result.value)
          : { code: publishProblem(result.reason, 'batch')?.code ?? 'INTERNAL_ERROR' },
      ),
    }) ?? null
  );
}
