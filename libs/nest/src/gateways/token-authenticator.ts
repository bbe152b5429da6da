import { AuthError, KeysUnavailableError, type Principal, type TokenVerifier } from '@rejoin/identity';
import { type ConnectionPrincipal, RefusedError } from '@rejoin/socketio';

/** Says whose connection a token opens or prolongs. Part of `ResumableGatewayOptions`. */
export function tokenAuthenticator(verifier: TokenVerifier): (token: unknown) => Promise<ConnectionPrincipal> {
  return async (token) => {
    const principal = await verify(verifier, token);
    if (principal.tenantId === undefined) {
      throw new RefusedError('AUTH_INVALID', 'the token names no tenant, which a connection needs');
    }
    return { ...principal, tenantId: principal.tenantId };
  };
}

async function verify(verifier: TokenVerifier, token: unknown): Promise<Principal> {
  try {
    return await verifier.verify(token);
  } catch (error) {
    if (error instanceof AuthError) throw new RefusedError(error.code, error.message, { cause: error });
    if (error instanceof KeysUnavailableError) {
      throw new RefusedError('OVERLOADED', error.message, { retryAfterMs: error.retryAfterMs, cause: error });
    }
    throw error;
  }
}
