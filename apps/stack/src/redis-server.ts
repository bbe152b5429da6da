import { join } from 'node:path';
import { DirectoryInUseError, type EmbeddedRedis, startEmbeddedRedis } from '@rejoin/embedded-redis';
import { connect, disconnect, reconnectDelayMs, redact } from '@rejoin/redis';
import { StackError } from './errors.ts';
import type { Terminal } from './terminal.ts';

/** The Redis that the stack works on: one that runs elsewhere, or one of its own. */
export interface StackRedis {
  readonly url: string;
  readonly description: string;
  stop(): Promise<void>;
}

/** @throws StackError `REDIS_UNREACHABLE` */
export async function useRedis(url: string): Promise<StackRedis> {
  let lastError: Error | undefined;
  const client = connect({
    url,
    use: 'commands',
    name: 'rejoin-stack',
    onError: (error) => {
      lastError = error;
    },
  });
  try {
    await client.ping();
  } catch (cause) {
    const reason = (lastError ?? (cause as Error)).message;
    throw new StackError('REDIS_UNREACHABLE', `REDIS_URL: ${redact(url)} does not answer: ${reason}`, { cause });
  } finally {
    disconnect(client);
  }
  return { url, description: redact(url), stop: () => Promise.resolve() };
}

/** Starts a server with an append-only file below the data directory, and starts it again whenever it ends by itself. */
export async function embedRedis(dataDirectory: string, terminal: Terminal): Promise<StackRedis> {
  let redis: EmbeddedRedis | undefined;
  let timer: NodeJS.Timeout | undefined;
  let restarting: Promise<void> = Promise.resolve();
  let stopped = false;
  let failures = 0;
  const restartSoon = (why: string): void => {
    if (stopped) return;
    const delayMs = reconnectDelayMs(failures);
    failures += 1;
    terminal.warn('redis', `${why}; starting it again in ${(delayMs / 1000).toFixed(1)} s`);
    timer = setTimeout(() => {
      restarting = restart();
    }, delayMs);
  };
  const restart = async (): Promise<void> => {
    try {
      await redis?.restart();
      failures = 0;
      terminal.info('redis', 'running again');
    } catch (error) {
      restartSoon((error as Error).message);
    }
  };
  redis = await startEmbeddedRedis({
    directory: join(dataDirectory, 'redis'),
    appendOnly: true,
    onExit: ({ expected, code, signal }) => {
      if (!expected) restartSoon(signal ? `ended by ${signal}` : `ended with code ${code}`);
    },
  }).catch((error: unknown) => {
    throw error instanceof DirectoryInUseError
      ? new StackError('ALREADY_RUNNING', `Redis' ${error.message}`, { cause: error })
      : error;
  });
  const { url, version } = redis;
  return {
    url,
    description: `${redact(url)} (embedded, ${version})`,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await restarting;
      await redis?.stop(1_500);
    },
  };
}
