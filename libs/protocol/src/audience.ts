import { isAttributeText } from './attribute-text.ts';

/**
 * Who shall see an event, always inside the event's own tenant. `resource` addresses the sockets that watch it.
 * The text forms are `tenant`, `user:<id>`, `role:<name>`, `group:<name>` and `<resource>:<id>`.
 */
export type AudienceToken =
  | { readonly kind: 'tenant' }
  | { readonly kind: 'user' | 'role' | 'group'; readonly id: string }
  | { readonly kind: 'resource'; readonly resource: string; readonly id: string };

/** Most tokens one event may name; one fan-out script must stay short (see `docs/architecture.md`). */
export const MAX_AUDIENCE_TOKENS = 1_000;
/** Longest token, in UTF-16 code units. */
export const MAX_TOKEN_LENGTH = 256;

const RESOURCE = /^[a-z][a-z0-9_-]{0,31}$/;

/**
 * The token that `text` stands for, or `null` where it is none. White space around it is ignored. It stands by itself: its id may hold
 * a comma, which one in the `audience` attribute of an event cannot.
 */
export function parseAudienceToken(text: string): AudienceToken | null {
  const token = text.trim();
  if (token === 'tenant') return { kind: 'tenant' };
  const colon = token.indexOf(':');
  if (colon < 1 || token.length > MAX_TOKEN_LENGTH) return null;
  const kind = token.slice(0, colon);
  const id = token.slice(colon + 1);
  if (id === '' || !isAttributeText(id)) return null;
  if (kind === 'user' || kind === 'role' || kind === 'group') return { kind, id };
  return kind !== 'tenant' && RESOURCE.test(kind) ? { kind: 'resource', resource: kind, id } : null;
}

export function formatAudienceToken(token: AudienceToken): string {
  switch (token.kind) {
    case 'tenant':
      return 'tenant';
    case 'resource':
      return `${token.resource}:${token.id}`;
    default:
      return `${token.kind}:${token.id}`;
  }
}

/** A parsed `audience` attribute: its tokens, or the first text in it that is no token. */
export type ParsedAudience =
  | { readonly ok: true; readonly tokens: readonly AudienceToken[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Parses a comma-separated `audience` attribute, or tokens that stand each by itself, whose ids may then hold commas. Repeated
 * tokens are kept once.
 */
export function parseAudience(audience: string | readonly string[]): ParsedAudience {
  if (typeof audience === 'string' && !audience.includes(',')) {
    // Most name one, at a fraction of the cost.
    const token = parseAudienceToken(audience);
    if (token) return { ok: true, tokens: [token] };
  }
  const tokens = new Map<string, AudienceToken>();
  for (const part of typeof audience === 'string' ? audience.split(',') : audience) {
    const token = parseAudienceToken(part);
    if (!token) return { ok: false, problem: `"${part.trim().slice(0, 64)}" is not an audience token` };
    tokens.set(formatAudienceToken(token), token);
    if (tokens.size > MAX_AUDIENCE_TOKENS) {
      return { ok: false, problem: `names more than ${MAX_AUDIENCE_TOKENS} audience tokens` };
    }
  }
  if (tokens.size === 0) return { ok: false, problem: 'names nobody' };
  return { ok: true, tokens: [...tokens.values()] };
}

/**
 * The room of a token: `<tenant>:<token>`, both percent-encoded, so that no tenant can name another's room. The same
 * text is the end of the room index's key in Redis and the room's name in Socket.IO.
 */
export function roomOf(tenantId: string, token: AudienceToken): string {
  return `${encodeURIComponent(tenantId)}:${encodeURIComponent(formatAudienceToken(token))}`;
}

/** The tenant and the token of a room that {@link roomOf} named. */
export function parseRoom(room: string): { readonly tenantId: string; readonly token: string } {
  const colon = room.indexOf(':');
  return { tenantId: decodeURIComponent(room.slice(0, colon)), token: decodeURIComponent(room.slice(colon + 1)) };
}
