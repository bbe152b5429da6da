/** Where Redis is, as `REDIS_URL` says it. */
export type RedisTarget =
  | { readonly kind: 'standalone'; readonly url: string }
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly HostPort[];
      readonly name: string;
      readonly username?: string;
      readonly password?: string;
      readonly db: number;
    }
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly HostPort[];
      readonly username?: string;
      readonly password?: string;
      readonly tls: boolean;
    };

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A `REDIS_URL` that says nothing usable; `message` says why. */
export class InvalidRedisUrlError extends Error {
  readonly code = 'INVALID_REDIS_URL';
  override readonly name = 'InvalidRedisUrlError';
}

/**
 * Understands `redis://` and `rediss://` (one server), `unix:///path` (a local socket),
 * `redis+sentinel://[user:password@]host:26379,host:26379/<master name>[/<db>]`, and a comma-separated list of
 * `redis://` or `rediss://` URLs (a cluster's nodes).
 * @throws InvalidRedisUrlError
 */
export function parseRedisUrl(text: string): RedisTarget {
  const parts = text.split(',').map((part) => part.trim());
  if (text.startsWith('redis+sentinel://')) return parseSentinel(text);
  if (parts.length > 1) return parseCluster(parts.filter((part) => part !== ''));
  const url = parse(parts[0] as string);
  if (url.protocol === 'unix:') return { kind: 'socket', path: decodeURIComponent(url.pathname) };
  requireRedis(url);
  return { kind: 'standalone', url: parts[0] as string };
}

function parse(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new InvalidRedisUrlError(`"${redact(text)}" is not a URL`, { cause });
  }
}

function requireRedis(url: URL): void {
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new InvalidRedisUrlError(`unknown scheme "${url.protocol}//"`);
  }
  if (url.hostname === '') throw new InvalidRedisUrlError('has no host');
}

function parseCluster(parts: readonly string[]): RedisTarget {
  const urls = parts.map((part) => parse(part.includes('://') ? part : `redis://${part}`));
  for (const url of urls) requireRedis(url);
  const first = urls[0] as URL;
  return {
    kind: 'cluster',
    nodes: urls.map((url) => ({ host: url.hostname, port: Number(url.port || 6379) })),
    tls: urls.some((url) => url.protocol === 'rediss:'),
    ...credentials(first.username, first.password),
  };
}

function parseSentinel(text: string): RedisTarget {
  const match = /^redis\+sentinel:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/@]+)\/([^/]+)(?:\/(\d+))?$/.exec(text);
  if (!match) throw new InvalidRedisUrlError('a sentinel URL is redis+sentinel://host:26379,host:26379/<master name>');
  const [, username, password, hosts, name, db] = match as unknown as [
    string,
    string?,
    string?,
    string?,
    string?,
    string?,
  ];
  const sentinels = (hosts as string).split(',').map((host) => {
    const url = parse(`redis://${host}`);
    return { host: url.hostname, port: Number(url.port || 26379) };
  });
  return {
    kind: 'sentinel',
    sentinels,
    name: decodeURIComponent(name as string),
    db: Number(db ?? 0),
    ...credentials(username, password),
  };
}

function credentials(username?: string, password?: string): { username?: string; password?: string } {
  return {
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
  };
}

/** The URL without its password, for messages and logs. */
export function redact(text: string): string {
  return text.replaceAll(/\/\/([^/@]*)@/g, '//***@');
}
