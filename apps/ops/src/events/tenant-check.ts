import type { Principal } from '@rejoin/identity';
import { Problem } from '../problem/problem.ts';
import type { EventDocument } from './event-document.ts';

/**
 * A token with a tenant publishes for that tenant alone. What has no tenant in it is left to validation.
 * @throws Problem 403 naming each event of another tenant
 */
export function requireTenant({ tenantId }: Principal, document: EventDocument): void {
  if (tenantId === undefined) return;
  const foreign = (event: unknown): boolean => {
    const named = (event as { tenantid?: unknown } | null | undefined)?.tenantid;
    return typeof named === 'string' && named !== tenantId;
  };
  const paths =
    document.kind === 'event'
      ? ['tenantid'].filter(() => foreign(document.event))
      : document.events.flatMap((event, index) => (foreign(event) ? [`[${index}].tenantid`] : []));
  if (paths.length === 0) return;
  throw new Problem(403, 'TENANT_FORBIDDEN', 'the token acts for another tenant', {
    errors: paths.map((path) => ({ path, message: 'is not the tenant of the token' })),
  });
}
