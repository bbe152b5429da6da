import type { ScheduledIdentity } from '@rejoin/publisher';
import { Problem } from '../problem/problem.ts';
import type { EventDocument } from './event-document.ts';

// RFC 3339, section 5.6.
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * When an event is to be published, as its extension attribute `deliverat` says; `null` where it has none.
 * @throws Problem 400 where it is no time, or stands in a batch
 */
export function deliverAtOf(document: EventDocument): Date | null {
  const read = (event: unknown): unknown => (event as { deliverat?: unknown } | null | undefined)?.deliverat ?? null;
  if (document.kind === 'batch') {
    const paths = document.events.flatMap((event, index) => (read(event) === null ? [] : [`[${index}].deliverat`]));
    if (paths.length > 0) throw invalid(paths, 'is for single events');
    return null;
  }
  const text = read(document.event);
  if (text === null) return null;
  const time = typeof text === 'string' && TIMESTAMP.test(text) ? new Date(text) : null;
  if (time === null || Number.isNaN(time.getTime())) {
    throw invalid(['deliverat'], 'must be an RFC 3339 time such as 2026-01-31T12:00:00Z');
  }
  return time;
}

/** @throws Problem 400 naming each parameter that is missing */
export function cancelledEvent(query: Readonly<Record<string, unknown>>): ScheduledIdentity {
  const { tenantid, source, id } = query;
  if (typeof tenantid === 'string' && typeof source === 'string' && typeof id === 'string') {
    return { tenantid, source, id };
  }
  const missing = Object.entries({ tenantid, source, id }).filter(([, value]) => typeof value !== 'string');
  throw invalid(
    missing.map(([name]) => name),
    'is required',
  );
}

function invalid(paths: readonly string[], message: string): Problem {
  const errors = paths.map((path) => ({ path, message }));
  return new Problem(400, 'INVALID_EVENT', errors.map(({ path }) => `${path} ${message}`).join('; '), { errors });
}
