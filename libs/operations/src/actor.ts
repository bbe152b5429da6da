import { OperationError } from './errors.ts';

/** On whose behalf something is looked at or done. What they may do at all is decided before. */
export interface Actor {
  /** Claim `sub`. */
  readonly user: string;
  /** The one tenant whose things they see; `null` for all. */
  readonly tenant: string | null;
}

/**
 * The tenant that a look is about.
 * @param asked the tenant that the request names, if any
 * @throws OperationError `TENANT_FORBIDDEN` where the actor is bound to another
 */
export function tenantFor(actor: Actor, asked: string | undefined): string | undefined {
  if (actor.tenant === null) return asked;
  if (asked !== undefined && asked !== actor.tenant) {
    throw new OperationError('TENANT_FORBIDDEN', 'the token is bound to another tenant');
  }
  return actor.tenant;
}

/** @throws OperationError `TENANT_FORBIDDEN` where the actor is bound to a tenant: what is shown or done is about all of them */
export function requireAllTenants(actor: Actor): void {
  if (actor.tenant !== null) {
    throw new OperationError('TENANT_FORBIDDEN', 'this concerns every tenant, and the token is bound to one');
  }
}
