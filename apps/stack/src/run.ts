import { relative } from 'node:path';
import { EmbeddedRedisError } from '@rejoin/embedded-redis';
import { InvalidConfigurationError } from '@rejoin/runtime';
import { readStackConfiguration, type StackConfiguration } from './configuration.ts';
import { StackError } from './errors.ts';
import { Stack, type StackUrls } from './stack.ts';
import { Terminal } from './terminal.ts';

/** See `EX_CONFIG` of sysexits.h; the programs use the same. */
const EXIT_CONFIGURATION = 78;
/** npm passes a Ctrl-C on that the terminal sent to the whole group, so one key press arrives twice. */
const SAME_KEY_PRESS_MS = 1_000;
const PARENT_CHECK_MS = 500;

/**
 * Runs the stack as this process: until SIGINT, SIGTERM, SIGHUP or the end of its parent, which end it with code 0 and nothing left behind. A second Ctrl-C
 * ends at once what takes its time.
 */
export async function runStack(programsDirectory: string): Promise<void> {
  const terminal = new Terminal((text) => process.stdout.write(text));
  // A closed terminal or pipe is no reason to leave processes behind.
  process.stdout.on('error', ignoreClosedTerminal);
  process.stderr.on('error', ignoreClosedTerminal);
  const startedAt = performance.now();
  let stack: Stack | undefined;
  let stoppingSince: number | undefined;

  /** @param reason shown; `null` after a failed start, whose message stays the last one */
  const stop = (reason: string | null, exitCode: number): void => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_KEY_PRESS_MS) stack?.kill();
      return;
    }
    stoppingSince = performance.now();
    const since = stoppingSince;
    if (reason !== null) terminal.line(`\nStopping (${reason}) …`);
    (stack?.stop() ?? Promise.resolve()).then(
      () => {
        if (reason !== null) terminal.done('everything is stopped', since);
        process.exit(exitCode);
      },
      (error: unknown) => {
        process.stderr.write(`${describe(error)}\n`);
        process.exit(exitCode || 1);
      },
    );
  };
  process.on('SIGINT', () => stop('Ctrl-C', 0));
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('SIGHUP', () => stop('terminal closed', 0));
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${describe(error)}\n`);
    stop('uncaught exception', 1);
  });
  process.on('disconnect', () => stop('parent is gone', 0));
  if (process.env.npm_lifecycle_event !== undefined) stopWithParent(() => stop('npm is gone', 0));

  try {
    const configuration = readStackConfiguration(process.env);
    stack = new Stack({ configuration, environment: process.env, programsDirectory, terminal });
    const urls = await stack.start();
    announce(terminal, configuration, urls, startedAt);
    process.send?.({ type: 'ready', url: urls.gateways[0] });
  } catch (error) {
    // Stopped by a signal: that is reported already.
    if (stoppingSince !== undefined) return;
    process.stderr.write(`\n${describe(error)}\n`);
    stop(null, error instanceof InvalidConfigurationError ? EXIT_CONFIGURATION : 1);
  }
}

function announce(terminal: Terminal, configuration: StackConfiguration, urls: StackUrls, startedAt: number): void {
  const demo = urls.demo ?? 'off';
  terminal.done('everything is running', startedAt);
  terminal.line();
  terminal.table([
    ...urls.gateways.map((url) => ['Gateway', url, 'Socket.IO']),
    ['Operators', urls.ops, 'console, and the HTTP API'],
    ['Demo', demo, urls.demo ? 'a page that shows resume' : 'DEMO=0'],
    ['Data and logs', `${relative(process.cwd(), configuration.dataDirectory) || '.'}/`, 'DATA_DIR'],
  ]);
  if (urls.console !== undefined) {
    terminal.line(`\n  The console, signed in for twelve hours (keep this address to yourself):\n  ${urls.console}`);
  }
  terminal.line('\n  Ctrl-C stops everything.\n');
  terminal.line(`ready gateway=${urls.gateways.join(',')} ops=${urls.ops} demo=${demo}`);
}

/** What somebody at the terminal needs: the message alone of what is foreseen, the stack of what is not. */
function describe(error: unknown): string {
  if (
    error instanceof StackError ||
    error instanceof InvalidConfigurationError ||
    error instanceof EmbeddedRedisError
  ) {
    return error.message;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A killed npm cannot pass on a signal; its child then gets another parent. */
function stopWithParent(stop: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, PARENT_CHECK_MS);
  timer.unref();
}

function ignoreClosedTerminal(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}
