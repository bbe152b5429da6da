import * as v from 'valibot';
import { count, described, entryId, time } from '../described.ts';
import { pageOf } from '../page.ts';

export const AUDIT_ACTIONS = [
  'dead-letters.redrive',
  'dead-letters.discard',
  'dead-letters.cancel',
  'connections.disconnect',
  'connections.block',
  'connections.unblock',
  'group.change',
  'partition.pause',
  'partition.resume',
  'payload.show',
] as const;

/** What somebody did. Lines are only ever added. */
export const auditView = v.object({
  id: entryId,
  at: time,
  action: v.picklist(AUDIT_ACTIONS),
  by: described(v.string(), 'the `sub` of the token'),
  tenant: described(v.nullable(v.string()), 'the tenant that the token is bound to'),
  filter: described(v.record(v.string(), v.unknown()), 'what was meant'),
  count: described(v.nullable(count), 'how many'),
  result: v.picklist(['done', 'partial', 'started', 'failed']),
  reason: v.string(),
  detail: v.nullable(v.string()),
});

export type AuditView = v.InferOutput<typeof auditView>;
export type AuditAction = AuditView['action'];

export const auditPage = pageOf(auditView);

export type AuditPage = v.InferOutput<typeof auditPage>;
