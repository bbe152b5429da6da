import { compareEntryIds, type EntryId } from '@rejoin/protocol';
import type { SessionReport, StandingRevocation } from '@rejoin/socketio';
import type { EventLocation } from './event-location.ts';
import { audienceOf } from './event-location.ts';
import type { Verdict, VerdictCode } from './trace-view.ts';

/** Everything that a verdict follows from. */
export interface Evidence {
  readonly user: string;
  readonly tenant: string;
  readonly location: EventLocation;
  readonly sessions: readonly (SessionReport & { readonly gateway: string; readonly position: EntryId })[];
  readonly revocation: StandingRevocation | null;
  /** Gateways that did not answer. */
  readonly silent: readonly string[];
  /** How the partition does, in words; for an event that waits. */
  readonly partition: string;
}

type Session = Evidence['sessions'][number];
type Finding = Pick<Verdict, 'verdict' | 'summary' | 'remedy'> & { readonly evidence: readonly string[] };

/**
 * Says why somebody did or did not get an event: one verdict, the first of these that holds. What never reached anybody comes first,
 * then what a client's own cursor proves, then what its connections show, then what keeps it away.
 */
export function judge(evidence: Evidence): Verdict {
  const { user, tenant, silent } = evidence;
  const finding = eventItself(evidence) ?? delivered(evidence) ?? connected(evidence) ?? away(evidence);
  const unheard = silent.length === 0 ? [] : [`no answer from ${silent.join(', ')}: what these know is missing here`];
  return { ...finding, user, tenant, evidence: [...finding.evidence, ...unheard] };
}

function finding(
  verdict: VerdictCode,
  summary: string,
  evidence: readonly string[],
  remedy: string | null = null,
): Finding {
  return { verdict, summary, evidence, remedy };
}

function eventItself({ location, tenant, partition }: Evidence): Finding | null {
  const { state, failure, event, entryId } = location;
  if (event.tenant !== null && event.tenant !== tenant) {
    return finding('NOT_IN_AUDIENCE', 'the event is of another tenant', [`its tenant is ${event.tenant}`]);
  }
  if (state === 'dead_lettered' && failure) {
    const where = `dead letter ${location.partition}.${entryId}: ${failure.code}: ${failure.message}`;
    return failure.code === 'NO_AUDIENCE_RULE'
      ? finding(
          'NO_RULE',
          'nobody got it: it names no audience, and no audience rule matches its type',
          [where],
          'add a rule for the type, then redrive it',
        )
      : finding(
          'DEAD_LETTERED',
          'nobody got it: it could not be delivered and is a dead letter',
          [where],
          'mend what the code says, then redrive it',
        );
  }
  if (state === 'parked' && failure) {
    const what = failure.attempts === 0 ? 'it was not tried yet' : `attempt ${failure.attempts} was its last`;
    const why = `${what}: ${failure.code}: ${failure.message}`;
    return finding('WAITING', 'it is put aside for a later attempt', [why]);
  }
  if (state === 'waiting') {
    const remedy = 'see the partition: it is paused, without an owner, or behind';
    return finding(
      'WAITING',
      'it is not fanned out yet',
      [`entry ${entryId} is behind the last one handled, ${location.done}`, partition],
      remedy,
    );
  }
  return null;
}

/** What a client handled it has said, by an acknowledgement or by coming back with a cursor behind the event. */
function delivered({ location: { entryId }, sessions }: Evidence): Finding | null {
  const entitled = sessions.filter(({ sees, wants }) => sees !== false && wants !== false);
  const acknowledging = entitled.find(({ acknowledged }) => acknowledged !== null && reached(acknowledged, entryId));
  if (acknowledging) {
    return finding('DELIVERED_ACKNOWLEDGED', 'the client got it and said so', [
      `${nameOf(acknowledging)} acknowledged everything up to ${acknowledging.acknowledged}`,
    ]);
  }
  const returning = entitled.find(({ resumedFrom }) => resumedFrom !== null && reached(resumedFrom, entryId));
  if (returning) {
    return finding('DELIVERED_ACKNOWLEDGED', 'the client got it: it came back with a cursor behind it', [
      `${nameOf(returning)} resumed from ${returning.resumedFrom}`,
    ]);
  }
  const written = entitled.filter((session) => session.sees === true && isWritten(session, entryId));
  const received = written.find(
    ({ closeReason, bufferedBytes }) => closeReason !== 'SLOW_CONSUMER' && bufferedBytes === 0,
  );
  if (received) {
    const where = `${nameOf(received)} has cursor ${received.cursor}, and nothing waits in its buffers`;
    return finding(
      'DELIVERED',
      'it was written to the client, which has not acknowledged it',
      [where],
      'where it matters, let the client send session:ack',
    );
  }
  const [slow] = written;
  if (slow) {
    const waits =
      slow.closeReason === 'SLOW_CONSUMER'
        ? 'it was closed as a slow consumer'
        : `${slow.bufferedBytes} bytes wait for it`;
    return finding(
      'SLOW',
      'the client reads too slowly',
      [`${nameOf(slow)}: ${waits}`],
      'it resumes from its cursor as soon as it comes back',
    );
  }
  return null;
}

function connected({ location, sessions }: Evidence): Finding | null {
  const { entryId, rooms } = location;
  const open = sessions.filter(({ state }) => state !== 'closed');
  const there = sessions.filter((session) => session.state !== 'closed' || isWritten(session, entryId));
  const filtered = there.find(({ sees, wants }) => sees === true && wants === false);
  if (filtered) {
    const what = `${nameOf(filtered)} asked for other types than ${location.event.type}`;
    return finding(
      'FILTERED',
      "the client's own filter leaves its type out",
      [what],
      'let the client name the type in `events`',
    );
  }
  if (rooms !== null && there.length > 0 && there.every(({ sees }) => sees === false) && !isCertain(rooms, sessions)) {
    const evidence = [
      `its audience is ${audienceOf(rooms).join(', ')}`,
      `${nameOf(there[0] as Session)} is in none of these rooms`,
    ];
    return finding(
      'NOT_IN_AUDIENCE',
      'the event is not for this user',
      evidence,
      'check the audience of the event, and roles and watches of the user',
    );
  }
  const replaying = open.find(
    ({ state, cursor, sees }) => state === 'replaying' && sees !== false && !reached(cursor, entryId),
  );
  if (replaying)
    return finding('WAITING', 'the client is resuming, and its replay has not come that far', [
      `${nameOf(replaying)} is at ${replaying.cursor}`,
    ]);
  const behind = open.find(
    ({ state, sees, position }) => state === 'live' && sees !== false && !reached(position, entryId),
  );
  if (behind)
    return finding('WAITING', 'the gateway has not read that far in the feed', [
      `the tail of ${behind.gateway} is at ${behind.position}`,
    ]);
  return null;
}

function away({ location, sessions, revocation, user, tenant }: Evidence): Finding {
  const { entryId, rooms, state } = location;
  if (revocation) {
    const until = new Date(revocation.untilMs).toISOString();
    const whom = revocation.kind === 'user' ? `user ${user}` : `tenant ${tenant}`;
    return revocation.cause === 'block'
      ? finding(
          'BLOCKED',
          'an operator keeps the user out',
          [`${whom} is blocked until ${until}`],
          'the block ends by itself; the audit says who and why',
        )
      : finding(
          'REVOKED',
          'the access of the user was revoked',
          [`${whom} is revoked until ${until}`],
          'the user needs a token that was issued anew',
        );
  }
  const revoked = latest(sessions.filter(({ closeReason }) => closeReason === 'AUTH_REVOKED'));
  if (revoked)
    return finding(
      'REVOKED',
      'the token of the user was revoked',
      [`${nameOf(revoked)} was closed with AUTH_REVOKED`],
      'the user needs another token',
    );
  const slow = latest(
    sessions.filter(({ closeReason, cursor }) => closeReason === 'SLOW_CONSUMER' && !reached(cursor, entryId)),
  );
  if (slow)
    return finding(
      'SLOW',
      'the client read too slowly, was closed, and is not back',
      [`${nameOf(slow)} got up to ${slow.cursor}`],
      'it resumes from its cursor',
    );
  if (rooms !== null && isForOthers(rooms, user)) {
    return finding('NOT_IN_AUDIENCE', 'the event is not for this user', [
      `its audience is ${audienceOf(rooms).join(', ')}`,
    ]);
  }
  if (state === 'trimmed') {
    return finding(
      'TRIMMED',
      'the event is beyond the replay window',
      [`entry ${entryId} was trimmed from the feed`],
      'a client that comes back now is told of a gap',
    );
  }
  const fresh = sessions.find(({ state: now, startedFrom }) => now !== 'closed' && reached(startedFrom, entryId));
  if (fresh) {
    return finding(
      'OFFLINE',
      'the client connected after the event, without a cursor',
      [`${nameOf(fresh)} begins behind ${fresh.startedFrom}`],
      'let the client keep its cursor and bring it when it connects',
    );
  }
  const last = latest(sessions);
  const seen = last
    ? `${nameOf(last)} was closed (${last.closeReason}) with cursor ${last.cursor}`
    : 'no gateway remembers a connection of the user';
  const certainty =
    rooms === null || isCertain(rooms, sessions, user)
      ? []
      : [`its audience is ${audienceOf(rooms).join(', ')}: whether the user is among them shows when it connects`];
  return finding(
    'OFFLINE',
    'the user is not connected',
    [seen, ...certainty],
    'it receives the event when it resumes within the replay window',
  );
}

/** Whether the rooms reach the user whatever its roles and watches are. */
function isCertain(rooms: readonly string[], sessions: readonly Session[], user?: string): boolean {
  return (
    sessions.some(({ sees }) => sees === true) ||
    audienceOf(rooms).some((token) => token === 'tenant' || token === `user:${user}`)
  );
}

/** Whether the rooms are of other users alone. */
function isForOthers(rooms: readonly string[], user: string): boolean {
  return audienceOf(rooms).every((token) => token.startsWith('user:') && token !== `user:${user}`);
}

function isWritten({ startedFrom, cursor }: Session, entryId: EntryId): boolean {
  return !reached(startedFrom, entryId) && reached(cursor, entryId);
}

function reached(position: EntryId, entryId: EntryId): boolean {
  return compareEntryIds(position, entryId) >= 0;
}

function latest(sessions: readonly Session[]): Session | undefined {
  return [...sessions].sort((a, b) => (b.closedAtMs ?? b.connectedAtMs) - (a.closedAtMs ?? a.connectedAtMs))[0];
}

function nameOf({ socketId, gateway, connectedAtMs }: Session): string {
  return `socket ${socketId} on ${gateway}, connected at ${new Date(connectedAtMs).toISOString()},`;
}
