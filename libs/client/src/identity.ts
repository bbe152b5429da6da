import { RejoinError } from './errors.ts';

/**
 * Whom a token stands for, as text that is part of every storage key and channel name, so that nobody continues where another
 * user of the same browser stopped. It is not verified here; the gateway does that, and the cursor gives no rights.
 * @param tenantClaim the installation's `JWT_TENANT_CLAIM`
 * @throws RejoinError `AUTH_INVALID` where it is no JWT with these claims
 */
export function identityOf(token: string, tenantClaim: string): string {
  try {
    const body = (token.split('.')[1] as string).replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const parts = [claims[tenantClaim], claims.sub];
    if (parts.every((part) => typeof part === 'string' && part !== '')) {
      return parts.map((part) => encodeURIComponent(part as string)).join(':');
    }
    throw new Error(`it lacks "${tenantClaim}" or "sub"`);
  } catch (cause) {
    throw new RejoinError('AUTH_INVALID', 'token() did not give a JWT of a user and a tenant', { cause });
  }
}
