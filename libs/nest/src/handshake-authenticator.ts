import { AuthError, type Principal, type TokenVerifier } from '@rejoin/identity';
import { type ConnectionPrincipal, RefusedError } from '@rejoin/socketio';
import type { Socket } from 'socket.io';

/** Says whose connection a handshake is, from the token in its `auth`. Part of `ResumableGatewayOptions`. */
export function handshakeAuthenticator(verifier: TokenVerifier): (socket: Socket) => Promise<ConnectionPrincipal> {
  return async (socket) => {
    const principal = await verify(verifier, socket.handshake.auth.token);
    if (principal.tenantId === undefined) {
      throw new RefusedError('AUTH_INVALID', 'the token names no tenant, which a connection needs');
    }
    return { tenantId: principal.tenantId, userId: principal.userId, roles: principal.roles };
  };
}

async function verify(verifier: TokenVerifier, token: unknown): Promise<Principal> {
  try {
    return await verifier.verify(token);
  } catch (error) {
    if (error instanceof AuthError) throw new RefusedError(error.code, error.message, { cause: error });
    throw error;
  }
}
