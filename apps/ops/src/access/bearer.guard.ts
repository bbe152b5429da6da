import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthError, hasScope, KeysUnavailableError, type Principal, type Scope, TokenVerifier } from '@rejoin/identity';
import type { Request } from 'express';
import { Problem } from '../problem/problem.ts';

const SCOPE = Symbol('scope');

/** Lets only bearers of a token with this scope through; goes with {@link BearerGuard}. */
export const RequireScope = (scope: Scope) => SetMetadata(SCOPE, scope);

const principals = new WeakMap<Request, Principal>();

/** Whom a request that passed {@link BearerGuard} comes from. */
export function principalOf(request: Request): Principal {
  const principal = principals.get(request);
  if (!principal) throw new Error('the route has no BearerGuard');
  return principal;
}

/**
 * Admits requests by their bearer token, before anything of their body is read.
 * @see https://www.rfc-editor.org/rfc/rfc6750
 */
@Injectable()
export class BearerGuard implements CanActivate {
  readonly #verifier: TokenVerifier;
  readonly #reflector: Reflector;

  constructor(verifier: TokenVerifier, reflector: Reflector) {
    this.#verifier = verifier;
    this.#reflector = reflector;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    const principal = await this.#verify(bearerToken(request));
    const scope = this.#reflector.get<Scope | undefined>(SCOPE, context.getHandler());
    if (scope === undefined) throw new Error('the route requires no scope');
    if (!hasScope(principal, scope)) {
      throw new Problem(403, 'FORBIDDEN', `the token lacks the scope ${scope}`, {
        headers: challenge({ error: 'insufficient_scope', scope }),
      });
    }
    principals.set(request, principal);
    return true;
  }

  async #verify(token: string | undefined): Promise<Principal> {
    try {
      return await this.#verifier.verify(token);
    } catch (error) {
      if (error instanceof KeysUnavailableError) {
        throw new Problem(503, error.code, error.message, { retryAfterMs: error.retryAfterMs, cause: error });
      }
      if (!(error instanceof AuthError)) throw error;
      const reason: Record<string, string> =
        error.code === 'AUTH_REQUIRED' ? {} : { error: 'invalid_token', error_description: error.message };
      throw new Problem(401, error.code, error.message, { headers: challenge(reason), cause: error });
    }
  }
}

function bearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

function challenge(parameters: Readonly<Record<string, string>>): Record<string, string> {
  const all = Object.entries({ realm: 'rejoin', ...parameters });
  // RFC 6750 leaves neither quotes nor backslashes in a description.
  return {
    'www-authenticate': `Bearer ${all.map(([name, value]) => `${name}="${value.replaceAll(/[^ -~]|["\\]/g, "'")}"`).join(', ')}`,
  };
}
