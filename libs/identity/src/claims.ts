import { isAttributeText, MAX_TOKEN_LENGTH } from '@rejoin/protocol';
import { AuthError } from './errors.ts';
import type { Principal } from './principal.ts';

/** The payload of a token whose signature was proved. Its claims are still anything. */
export type Claims = Readonly<Record<string, unknown>>;

/** Most roles a token may carry; each is a room that its sockets join. */
export const MAX_ROLES = 64;
/** Longest role, in UTF-16 code units. */
export const MAX_ROLE_LENGTH = 128;
/** An audience must be able to name the user. */
const MAX_USER_ID_LENGTH = MAX_TOKEN_LENGTH - 'user:'.length;
/** As long as the tenant of an event. */
const MAX_TENANT_ID_LENGTH = 128;
const MAX_TOKEN_ID_LENGTH = 256;
const MAX_SCOPE_LENGTH = 1_024;

/**
 * Reads the claims that mean something here; others are passed over.
 * @param tenantClaim name of the claim that holds the tenant
 * @throws AuthError `AUTH_INVALID` where one has a wrong type, is empty or too long, or holds control characters
 */
export function principalOf(claims: Claims, tenantClaim: string): Principal {
  const tenantId = optionalText(claims, tenantClaim, MAX_TENANT_ID_LENGTH);
  const tokenId = optionalText(claims, 'jti', MAX_TOKEN_ID_LENGTH);
  const userId = optionalText(claims, 'sub', MAX_USER_ID_LENGTH);
  if (userId === undefined) throw invalid('sub', 'is required');
  return {
    userId,
    ...(tenantId === undefined ? {} : { tenantId }),
    roles: rolesOf(claims),
    scopes: scopesOf(claims),
    ...(tokenId === undefined ? {} : { tokenId }),
    expiresAtMs: expiryOf(claims),
  };
}

function expiryOf(claims: Claims): number {
  const { exp } = claims;
  if (exp === undefined) throw invalid('exp', 'is required');
  if (typeof exp !== 'number' || !Number.isSafeInteger(Math.round(exp * 1_000)) || exp < 0) {
    throw invalid('exp', 'must be a time in seconds since 1970');
  }
  return Math.round(exp * 1_000);
}

function rolesOf(claims: Claims): readonly string[] {
  const roles = own(claims, 'roles');
  if (roles === undefined) return [];
  if (!Array.isArray(roles)) throw invalid('roles', 'must be an array of strings');
  if (roles.length > MAX_ROLES) throw invalid('roles', `must hold at most ${MAX_ROLES} roles`);
  return [...new Set(roles.map((role) => requireText('roles', role, MAX_ROLE_LENGTH)))];
}

/** @see https://www.rfc-editor.org/rfc/rfc8693#section-4.2 */
function scopesOf(claims: Claims): readonly string[] {
  const scope = own(claims, 'scope');
  if (scope === undefined || scope === '') return [];
  return [...new Set(requireText('scope', scope, MAX_SCOPE_LENGTH).split(' '))].filter((name) => name !== '');
}

function optionalText(claims: Claims, name: string, maxLength: number): string | undefined {
  const value = own(claims, name);
  return value === undefined ? undefined : requireText(name, value, maxLength);
}

function requireText(name: string, value: unknown, maxLength: number): string {
  if (typeof value !== 'string') throw invalid(name, 'must be text');
  if (value === '') throw invalid(name, 'must not be empty');
  if (value.length > maxLength) throw invalid(name, `must have at most ${maxLength} characters`);
  if (!isAttributeText(value)) throw invalid(name, 'must not contain control characters or lone surrogates');
  return value;
}

/** The claim that the token itself carries, never something inherited (a tenant claim could be named `constructor`). */
function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function invalid(claim: string, problem: string): AuthError {
  return new AuthError('AUTH_INVALID', `the token's claim "${claim}" ${problem}`);
}
