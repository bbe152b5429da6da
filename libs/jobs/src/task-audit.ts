import type { Keyspace, RedisClient } from '@rejoin/redis';
import { writeAuditLine } from '@rejoin/streams';
import type { Task } from './task.ts';

/** Writes down how a task ended that changed something. A worker that dies in this moment leaves two lines of it. */
export async function auditEnd(client: RedisClient, keys: Keyspace, task: Task): Promise<void> {
  const { id, kind, by, tenant, state, reason, handled, error } = task;
  if (kind === 'rehearse' || by === null) return;
  const { redriven, discarded, refused } = task.outcomes;
  await writeAuditLine(client, keys, {
    action: `dead-letters.${kind}`,
    by,
    tenant,
    filter: { task: id },
    count: handled,
    result: state === 'failed' ? 'failed' : state === 'cancelled' || refused > 0 ? 'partial' : 'done',
    reason,
    detail: `${redriven} redriven, ${discarded} discarded, ${refused} refused${error === null ? '' : `; ${error}`}`,
  });
}
