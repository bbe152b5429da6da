import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** What a result depends on besides the code. */
export interface Environment {
  readonly node: string;
  readonly redis: string;
  readonly socketIo: string;
  readonly socketIoClient: string;
  readonly redisStreamsAdapter: string;
  readonly ioredis: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
}

export function describeEnvironment(redisVersion: string): Environment {
  return {
    node: process.versions.node,
    redis: redisVersion,
    socketIo: versionOf('socket.io'),
    socketIoClient: versionOf('socket.io-client'),
    redisStreamsAdapter: versionOf('@socket.io/redis-streams-adapter'),
    ioredis: versionOf('ioredis'),
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${platform()} ${release()} ${arch()}`,
  };
}

/** The version of a package as it is loaded; not every package exports its own `package.json`. */
function versionOf(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  for (;;) {
    const manifest = readManifest(folder);
    if (manifest?.name === name && manifest.version !== undefined) return manifest.version;
    const parent = dirname(folder);
    if (parent === folder) return 'unknown';
    folder = parent;
  }
}

function readManifest(folder: string): { readonly name?: string; readonly version?: string } | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
