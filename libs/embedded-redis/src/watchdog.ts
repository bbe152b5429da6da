import { spawn } from 'node:child_process';
import type { ProcessIdentity } from './process-identity.ts';

/**
 * Waits until its standard input, which only the parent holds, says `released` or ends. The latter happens however the parent
 * dies, SIGKILL included. Then the recorded process is ended, if it still is that process, and the temporary directory removed.
 * Arguments: process id, its start time (see `process-identity.ts`), directory to remove or nothing.
 */
const SCRIPT = `
started() {
  if [ -r "/proc/$1/stat" ]; then
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | { read -r state rest; [ "$state" = Z ] || echo "$rest" | cut -d' ' -f19; }
  else
    LC_ALL=C TZ=UTC ps -o lstart= -p "$1" 2>/dev/null | sed 's/^ *//; s/ *$//'
  fi
}
ours() { [ "$(started "$1")" = "$2" ]; }
read -r word
[ "$word" = released ] && exit 0
if ours "$1" "$2"; then
  kill -TERM "$1"; kill -CONT "$1"
  n=0
  while ours "$1" "$2" && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
  if ours "$1" "$2"; then kill -KILL "$1"; fi
fi
[ -n "$3" ] && rm -rf "$3"
exit 0
`;

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
  const shell = spawn(
    '/bin/sh',
    ['-c', SCRIPT, 'rejoin-redis-watchdog', String(identity.pid), identity.startedAt, temporaryDirectory ?? ''],
    { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  // Without a watchdog the pid file still lets the next start end the process, so neither failure stops this one.
  const warn = (error: Error): void => process.emitWarning(`the watchdog of embedded Redis failed: ${error.message}`);
  shell.on('error', warn);
  shell.stdin.on('error', warn);
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  return { release: () => shell.stdin.end('released\n') };
}
