import { type AudienceToken, parseAudienceToken } from '@rejoin/protocol';

export type ResourceToken = AudienceToken & { kind: 'resource' };

/**
 * The resource that a text names, `<resource>:<id>`; `null` where it names none, or not as {@link formatAudienceToken} writes it. So a
 * resource has one name: the one that is kept in a session is the one that was watched.
 */
export function resourceOf(text: unknown): ResourceToken | null {
  const token = typeof text === 'string' && text.trim() === text ? parseAudienceToken(text) : null;
  return token?.kind === 'resource' ? token : null;
}

/** @throws RangeError where the text names none */
export function parseResource(text: string): ResourceToken {
  const token = resourceOf(text);
  if (token === null) throw new RangeError(`"${text}" is not a resource`);
  return token;
}
