/** Whom a verified token stands for. Everything that a connection or request may do follows from this alone. */
export interface Principal {
  /** Claim `sub`. */
  readonly userId: string;
  /** The one tenant that the token acts for; a service token without it may publish for any. */
  readonly tenantId?: string;
  readonly roles: readonly string[];
  readonly scopes: readonly Scope[];
  /** Claim `jti`, by which a token is revoked. */
  readonly tokenId?: string;
  /** When the token stops being accepted, in milliseconds since the Unix epoch: its `exp` and the clock tolerance. */
  readonly expiresAtMs: number;
}

/** What a service or an operator may do. Tokens may carry other scopes too: other systems read them as well. */
export type Scope = 'events:publish' | 'ops:read' | 'ops:write' | (string & {});

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes(scope);
}
