import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SigningSecret {
  readonly secret: string;
  readonly path: string;
}

/**
 * The random secret that signs and checks tokens where no `JWT_…` variable is set. It stays the same from one start to the
 * next, so that tokens stay valid. The file is readable by its owner alone, and appears complete or not at all.
 */
export function provideSigningSecret(dataDirectory: string): SigningSecret {
  const path = join(dataDirectory, 'jwt-secret');
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600 });
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return { secret: readFileSync(path, 'utf8').trim(), path };
}
