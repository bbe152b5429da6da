import { eventFilter, formatAudienceToken, parseAudienceToken, roomOf } from '@rejoin/protocol';
import { OperationError } from '../errors.ts';
import { plainPartOf } from './waiting-peek.ts';

export interface EventFilter {
  readonly tenant?: string | undefined;
  /** A type, or the beginning of one followed by `*`. */
  readonly type?: string | undefined;
  readonly subject?: string | undefined;
  /** An audience token; needs a tenant. */
  readonly audience?: string | undefined;
  /** By the time of the entry ID, in milliseconds since the Unix epoch. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface EventsQuery extends EventFilter {
  readonly order?: 'newest' | 'oldest';
  readonly stage?: 'waiting' | 'fanned_out';
  /** Whether payloads are shown; audited, and needs a `reason`. */
  readonly payload?: boolean;
  /** Why they are. */
  readonly reason?: string;
  readonly limit?: number;
  readonly after?: string;
  /** Most entries to look at; 10,000 by default. A page may then hold fewer, or none, and still have a `next`. */
  readonly scanLimit?: number;
}

/** The room that the filter's audience names, in the form that feed entries have. @throws OperationError */
export function roomOfFilter({ tenant, audience }: EventFilter): string | null {
  if (audience === undefined) return null;
  const token = parseAudienceToken(audience);
  if (!token) throw new OperationError('INVALID_REQUEST', `"${audience.slice(0, 64)}" is not an audience token`);
  if (tenant === undefined)
    throw new OperationError('INVALID_REQUEST', 'an audience is of one tenant: name it as well');
  return roomOf(tenant, token);
}

/** What the JSON of every waiting event that matches contains, whoever wrote it; empty where nothing narrows. */
export function textOfFilter({ tenant, type, subject, audience }: EventFilter): string {
  const parts = [tenant, type, subject, audience].filter((value) => value !== undefined).map(plainPartOf);
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

/** A test for events that are not fanned out yet. */
export function waitingMatcher({ tenant, type, subject, audience }: EventFilter) {
  const isType = type === undefined ? () => true : eventFilter([type]);
  const parsed = audience === undefined ? null : parseAudienceToken(audience);
  const token = parsed && formatAudienceToken(parsed);
  return (event: {
    tenant: string | null;
    type: string | null;
    subject: string | null;
    audience: readonly string[];
  }): boolean =>
    (tenant === undefined || event.tenant === tenant) &&
    (type === undefined || (event.type !== null && isType(event.type))) &&
    (subject === undefined || event.subject === subject) &&
    (token === null || event.audience.includes(token));
}
