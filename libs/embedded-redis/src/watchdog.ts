import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ProcessIdentity } from './process-identity.ts';

const SCRIPT = fileURLToPath(new URL('watchdog.sh', import.meta.url));

export interface Watchdog {
  /** Ends it; what it watched over is left alone. Idempotent. */
  release(): void;
}

/**
 * Ends a process when this one is gone. The watchdog is a shell in a session of its own, so that neither a signal to this
 * process' group nor a closed terminal reaches it, and it keeps no event loop alive.
 * @param temporaryDirectory removed after the process ended, when this process was gone first
 */
export function watchOver(identity: ProcessIdentity, temporaryDirectory: string | null): Watchdog {
  const shell = spawn('/bin/sh', [SCRIPT, String(identity.pid), identity.startedAt, temporaryDirectory ?? ''], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without a watchdog the pid file still lets the next start end the process, so neither failure stops this one.
  const warn = (error: Error): void => process.emitWarning(`the watchdog of embedded Redis failed: ${error.message}`);
  shell.on('error', warn);
  shell.stdin.on('error', warn);
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  return { release: () => shell.stdin.end('released\n') };
}
