import { hash } from 'node:crypto';

/** Characters of a digest: 132 bits, so that two events of one installation share one by accident never. */
const DIGEST_LENGTH = 22;

/**
 * What identifies an event where duplicates are looked up (`{rejoin:3}:seen`): the first 22 characters of
 * `base64url(SHA-256(JSON [tenantid, source, id]))`. The tenant is part of it, so that no tenant can suppress
 * another's event, and the JSON array keeps ("a", "bc") apart from ("ab", "c").
 */
export function eventDigest(tenantId: string, source: string, id: string): string {
  return hash('sha256', JSON.stringify([tenantId, source, id]), 'base64url').slice(0, DIGEST_LENGTH);
}
