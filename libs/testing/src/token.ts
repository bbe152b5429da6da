import { createHmac, randomUUID } from 'node:crypto';

/** Signs the tokens of tests; give it to the process under test as `JWT_SECRET`. */
export const TEST_JWT_SECRET = 'a secret that only tests use, 32 bytes or more';

export interface TokenOptions {
  readonly sub: string;
  /** Claim `tenant_id`; absent for a service that acts for every tenant. */
  readonly tenant?: string;
  readonly roles?: readonly string[];
  /** Space-separated, for example `events:publish ops:read`. */
  readonly scope?: string;
  /** Seconds from now until `exp`, 3,600 by default; negative makes an expired token. */
  readonly expiresInS?: number;
  /** {@link TEST_JWT_SECRET} by default. */
  readonly secret?: string;
  /** Other claims, or others in place of these; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Other header fields, for tests of what must be refused. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A JWT signed with HS256 (RFC 7519), with a `jti` of its own. */
export function tokenFor(options: TokenOptions): string {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    sub: options.sub,
    tenant_id: options.tenant,
    roles: options.roles,
    scope: options.scope,
    iat: now,
    exp: now + (options.expiresInS ?? 3_600),
    jti: randomUUID(),
    ...options.claims,
  };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', ...options.header })}.${encode(payload)}`;
  const signature = createHmac('sha256', options.secret ?? TEST_JWT_SECRET)
    .update(signed)
    .digest('base64url');
  return `${signed}.${signature}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
