import type { Logger } from 'pino';
import { InvalidConfigurationError } from './configuration.ts';
import { Lifecycle } from './lifecycle.ts';
import { createLogger } from './logger.ts';

/** Exit code of a process that cannot start with its configuration (`EX_CONFIG` of sysexits.h). */
const EXIT_CONFIGURATION = 78;

export interface RunningApp {
  /** Where its HTTP port is reached. */
  readonly url: string;
}

/** What an app's `start` is given. */
export interface AppContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly lifecycle: Lifecycle;
  readonly logger: Logger;
}

/**
 * Runs an app as this process: starts it, tells the parent over IPC when it is ready, stops it once on SIGINT, SIGTERM
 * or when the parent is gone, and ends with a meaningful exit code.
 */
export async function runApp(name: string, start: (context: AppContext) => Promise<RunningApp>): Promise<void> {
  const logger = createLogger(name);
  const lifecycle = new Lifecycle();
  let stopping = false;
  const stop = (reason: string, exitCode: number): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    lifecycle.stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        logger.error({ err: error }, 'stopped, but not everything was released');
        process.exit(exitCode || 1);
      },
    );
  };
  process.on('SIGINT', () => stop('SIGINT', 0));
  process.on('SIGTERM', () => stop('SIGTERM', 0));
  process.on('disconnect', () => stop('parent gone', 0));
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception');
    stop('uncaught exception', 1);
  });
  process.on('unhandledRejection', (error) => {
    logger.fatal({ err: error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });
  try {
    const app = await start({ environment: process.env, lifecycle, logger });
    logger.info({ url: app.url, pid: process.pid }, 'ready');
    process.send?.({ type: 'ready', url: app.url });
  } catch (error) {
    if (error instanceof InvalidConfigurationError) {
      process.stderr.write(`${name}: ${error.message}\n`);
      stop('bad configuration', EXIT_CONFIGURATION);
      return;
    }
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    logger.fatal({ err: error }, 'could not start');
    stop('could not start', 1);
  }
}
