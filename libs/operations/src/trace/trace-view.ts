import * as v from 'valibot';
import { count, described, entryId, partitionNumber, time } from '../described.ts';

/** One step on an event's way, on one line of time. */
export const traceStep = v.object({
  stage: v.picklist([
    'published',
    'waiting',
    'parked',
    'fanned_out',
    'dead_lettered',
    'trimmed',
    'gateway',
    'delivered',
    'acknowledged',
  ]),
  at: described(v.nullable(time), 'null where nobody recorded it'),
  detail: v.string(),
});

export type TraceStep = v.InferOutput<typeof traceStep>;

/** What one gateway did with an event. */
export const gatewayTrace = v.object({
  gateway: v.string(),
  answered: described(v.boolean(), 'false: it did not answer in time, and nothing is known of its connections'),
  reached: described(v.boolean(), 'its tail has passed the event'),
  connections: described(count, 'connections that may see it now'),
  written: count,
  acknowledged: count,
  filtered: described(count, 'connections whose own filter leaves it out'),
  behind: described(count, 'connections that are not there yet'),
});

export type GatewayTrace = v.InferOutput<typeof gatewayTrace>;

/** Why an event did not reach somebody, or that it did. */
export const VERDICTS = [
  'DELIVERED_ACKNOWLEDGED',
  'DELIVERED',
  'WAITING',
  'SLOW',
  'FILTERED',
  'NOT_IN_AUDIENCE',
  'NO_RULE',
  'DEAD_LETTERED',
  'TRIMMED',
  'OFFLINE',
  'BLOCKED',
  'REVOKED',
  'UNKNOWN',
] as const;

export const verdictCode = v.picklist(VERDICTS);

export type VerdictCode = v.InferOutput<typeof verdictCode>;

export const verdict = v.object({
  verdict: verdictCode,
  user: v.string(),
  tenant: v.string(),
  summary: described(v.string(), 'one sentence'),
  evidence: described(v.array(v.string()), 'the facts that it follows from, most telling first'),
  remedy: described(v.nullable(v.string()), 'what to do about it'),
});

export type Verdict = v.InferOutput<typeof verdict>;

export const traceView = v.object({
  eventId: v.nullable(v.string()),
  entryId,
  cursor: v.string(),
  partition: partitionNumber,
  tenant: v.nullable(v.string()),
  type: v.nullable(v.string()),
  state: described(v.picklist(['waiting', 'parked', 'fanned_out', 'dead_lettered', 'trimmed']), 'where it is now'),
  audience: described(v.nullable(v.array(v.string())), 'audience tokens; null where not known'),
  steps: v.array(traceStep),
  gateways: v.array(gatewayTrace),
  deadLetterId: v.nullable(v.string()),
  complete: described(
    v.boolean(),
    'false: more events wait than were looked at for this id; a tenant, an entry ID or a cursor leads to them',
  ),
  others: described(v.array(v.object({ partition: partitionNumber, entryId })), 'other events with this id'),
  verdict: described(v.nullable(verdict), 'for the user that was asked about'),
  asOf: time,
});

export type TraceView = v.InferOutput<typeof traceView>;
