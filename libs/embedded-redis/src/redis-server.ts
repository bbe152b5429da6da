import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedRedisError } from './errors.ts';

/** Scripts with flags, `<ms>-*` entry IDs and consumer group lag are there since 7.0. */
export const MINIMUM_REDIS_MAJOR = 7;

const NAMES = ['redis-server', 'valkey-server'];

export interface RedisServer {
  /** Absolute path of the program. */
  readonly path: string;
  /** For example `7.0.15`. */
  readonly version: string;
}

/**
 * The server that `REDIS_SERVER` names, else the first `redis-server` or `valkey-server` of at least {@link MINIMUM_REDIS_MAJOR} on a search path; `null` where there is none.
 * @param searchPath a list of folders as in `PATH`, which it is by default
 * @param named the path of the one server that is to be used, whatever else there is; `REDIS_SERVER` by default
 * @throws EmbeddedRedisError `REDIS_NOT_FOUND` where the named one is no such server
 */
export async function findRedisServer(
  searchPath = process.env.PATH ?? '',
  named = process.env.REDIS_SERVER ?? '',
): Promise<RedisServer | null> {
  if (named !== '') return requireServer(named);
  for (const name of NAMES) {
    for (const folder of searchPath.split(delimiter)) {
      if (folder === '') continue;
      const path = join(folder, name);
      const version = await versionOf(path);
      if (version && Number.parseInt(version, 10) >= MINIMUM_REDIS_MAJOR) return { path, version };
    }
  }
  return null;
}

async function requireServer(path: string): Promise<RedisServer> {
  const version = await versionOf(path);
  if (version && Number.parseInt(version, 10) >= MINIMUM_REDIS_MAJOR) return { path, version };
  throw new EmbeddedRedisError(
    'REDIS_NOT_FOUND',
    `REDIS_SERVER is ${path}, which is no redis-server or valkey-server of version ${MINIMUM_REDIS_MAJOR}.0 or newer`,
  );
}

/** `null` where the file is no program or no such server. */
async function versionOf(path: string): Promise<string | null> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 5_000 });
    return /\bv=(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
  } catch {
    // Absent, not executable, or not answering: another folder may hold a usable one.
    return null;
  }
}
