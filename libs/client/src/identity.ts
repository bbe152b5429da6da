import { RejoinError } from './errors.ts';

/**
 * Whom a token stands for, as text that is part of every storage key and channel name, so that nobody continues where another
 * user of the same browser stopped. It is not verified here; the gateway does that, and the cursor gives no rights. Characters
 * beyond ASCII stay the bytes that they are in the token.
 * @param tenantClaim the installation's `JWT_TENANT_CLAIM`
 * @throws RejoinError `AUTH_INVALID` where it is no JWT with these claims
 */
export function identityOf(token: string, tenantClaim = 'tenant_id'): string {
  try {
    const body = (token.split('.')[1] as string).replace(/-/g, '+').replace(/_/g, '/');
    const claims = JSON.parse(atob(body)) as Record<string, unknown>;
    const identity = [claims[tenantClaim], claims.sub];
    if (identity.some((claim) => !claim || typeof claim !== 'string')) throw new Error(`no ${tenantClaim} or sub`);
    return JSON.stringify(identity);
  } catch (cause) {
    throw new RejoinError('AUTH_INVALID', { cause });
  }
}
