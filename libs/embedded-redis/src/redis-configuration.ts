/** Where the server listens. */
export type RedisAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly port: number; readonly password?: string };

export interface RedisConfiguration {
  readonly directory: string;
  readonly logFile: string;
  readonly address: RedisAddress;
  readonly appendOnly: boolean;
  readonly appendFsync: 'always' | 'everysec' | 'no';
  readonly maxMemoryBytes: number;
  /** More directives, or others in place of those below. A list is several arguments. */
  readonly directives: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * The text of a configuration file. It is given to the server on standard input: nothing of it shows in the process list.
 * Nothing but the append-only file is ever written to disk, and nothing is ever evicted.
 */
export function formatRedisConfiguration(configuration: RedisConfiguration): string {
  const { address } = configuration;
  const directives: Record<string, string | readonly string[]> = {
    dir: configuration.directory,
    logfile: configuration.logFile,
    daemonize: 'no',
    supervised: 'no',
    'protected-mode': 'yes',
    save: '',
    appendonly: configuration.appendOnly ? 'yes' : 'no',
    appendfsync: configuration.appendFsync,
    maxmemory: String(configuration.maxMemoryBytes),
    'maxmemory-policy': 'noeviction',
    ...(address.kind === 'socket'
      ? { port: '0', unixsocket: address.path, unixsocketperm: '700' }
      : {
          bind: '127.0.0.1',
          port: String(address.port),
          ...(address.password ? { requirepass: address.password } : {}),
        }),
    ...configuration.directives,
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${[value].flat().map(quote).join(' ')}\n`)
    .join('');
}

/** See redis.conf(5): inside double quotes, backslash escapes. */
function quote(value: string): string {
  return /^[\w./:-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

export function redisUrl(address: RedisAddress): string {
  if (address.kind === 'socket')
    return `unix://${encodeURI(address.path).replaceAll('#', '%23').replaceAll('?', '%3F')}`;
  return `redis://${address.password ? `:${address.password}@` : ''}127.0.0.1:${address.port}`;
}
