import { createHmac, randomUUID } from 'node:crypto';

/** How long a development token lasts, in seconds. */
const LIFETIME_S = 12 * 3_600;

/**
 * A token for whoever sits at the terminal, who may look and act everywhere. It is made only where the stack made the secret
 * itself, that is, on a developer's machine. A JWT signed with HS256.
 * @see https://www.rfc-editor.org/rfc/rfc7519
 */
export function developmentToken(
  secret: string,
  { issuer, audience }: { issuer?: string | undefined; audience?: string | undefined } = {},
): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    sub: 'developer',
    scope: 'ops:read ops:write',
    iat: now,
    exp: now + LIFETIME_S,
    jti: randomUUID(),
    iss: issuer,
    aud: audience,
  };
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
