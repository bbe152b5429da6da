import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryInUseError } from './errors.ts';
import { formatIdentity, identifyProcess, isAlive, parseIdentity } from './process-identity.ts';

/** Names the process that holds a directory: `<pid> <start time>`. */
const LOCK_FILE = 'lock';

export interface DirectoryLock {
  readonly directory: string;
  /** Idempotent. */
  release(): void;
}

/**
 * Makes this process the one that holds `directory`, which is created (mode 700) where it is missing. The lock ends with the
 * process: what a dead one left behind is taken over, and a process id that was used again is not mistaken for its holder.
 *
 * The file appears complete, by a hard link that fails where one exists, and changes owner by a rename under a second such
 * link named after the dead holder, so that of several processes that find the same dead holder one succeeds.
 * @throws DirectoryInUseError
 */
export function acquireDirectoryLock(directory: string): DirectoryLock {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const identity = identifyProcess(process.pid);
  if (!identity) throw new Error('this process cannot identify itself');
  const own = formatIdentity(identity);
  const path = join(directory, LOCK_FILE);
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, own, { mode: 0o600 });
  try {
    while (!linkExclusively(draft, path)) {
      const held = readHolder(path);
      if (held === null) continue;
      const holder = parseIdentity(held);
      if (holder && isAlive(holder)) throw new DirectoryInUseError(directory, holder.pid);
      if (takeOver(draft, path, held)) break;
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    directory,
    release() {
      if (readHolder(path) === own) rmSync(path, { force: true });
    },
  };
}

/** Replaces the lock of a dead holder. `false` where another process was faster. */
function takeOver(draft: string, path: string, held: string): boolean {
  const claim = `${path}.claim`;
  if (!linkExclusively(draft, claim)) {
    const claimed = readHolder(claim);
    const claimant = claimed === null ? null : parseIdentity(claimed);
    if (claimed !== null && !(claimant && isAlive(claimant))) rmSync(claim, { force: true });
    return false;
  }
  try {
    if (readHolder(path) !== held) return false;
    renameSync(draft, path);
    return true;
  } finally {
    rmSync(claim, { force: true });
  }
}

function linkExclusively(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
