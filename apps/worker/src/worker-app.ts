import { keyspace, PartitionCountMismatchError } from '@rejoin/redis';
import { type AppContext, InvalidConfigurationError, type RunningApp, startHealthServer } from '@rejoin/runtime';
import { readWorkerConfiguration } from './config.ts';
import { Worker } from './worker.ts';

/** Starts one worker, and the HTTP server that tells its health while it starts, works and drains. */
export async function startWorker({ environment, lifecycle, logger }: AppContext): Promise<RunningApp> {
  const { redisUrl, prefix, partitions, windowMs, maxPerRoom, maxBytes, port, resolver, ...rest } =
    readWorkerConfiguration(environment);
  const worker = new Worker({
    redisUrl,
    keys: keyspace(prefix),
    ...(partitions === undefined ? {} : { partitions }),
    resolver,
    replay: { windowMs, maxPerRoom, maxBytes },
    deadLetters: { maxAgeMs: rest.deadLetterMaxAgeMs, maxCount: rest.deadLetterMaxCount },
    logger,
  });
  const server = await startHealthServer(port, () => worker.health());
  lifecycle.onStop('health server', () => server.stop());
  lifecycle.onStop('worker', () => worker.stop());
  try {
    await worker.start();
  } catch (error) {
    if (error instanceof PartitionCountMismatchError) throw new InvalidConfigurationError([error.message]);
    throw error;
  }
  return { url: server.url };
}
