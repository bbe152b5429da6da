import { type AudienceToken, roomOf } from '@rejoin/protocol';

/** Who a connection belongs to, as its verified token says. */
export interface ConnectionPrincipal {
  readonly tenantId: string;
  readonly userId: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /** Claim `jti`, by which the token is revoked. */
  readonly tokenId?: string;
  /** When the token ends, in milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
}

/** The rooms a principal is in by its claims alone. */
export function roomsOf(principal: ConnectionPrincipal): string[] {
  const tokens: AudienceToken[] = [
    { kind: 'tenant' },
    { kind: 'user', id: principal.userId },
    ...principal.roles.map((id) => ({ kind: 'role', id }) as const),
  ];
  return [...new Set(tokens.map((token) => roomOf(principal.tenantId, token)))];
}
