import { keyspace, PartitionCountMismatchError } from '@rejoin/redis';
import { type AppContext, InvalidConfigurationError, type RunningApp, startHealthServer } from '@rejoin/runtime';
import { Telemetry, type WorkerFacts } from '@rejoin/telemetry';
import { readWorkerConfiguration } from './config.ts';
import { Worker } from './worker.ts';

/** Starts one worker, and the HTTP server that tells its health while it starts, works and drains. */
export async function startWorker({ environment, lifecycle, logger }: AppContext): Promise<RunningApp> {
  const { redisUrl, prefix, partitions, windowMs, maxPerRoom, maxBytes, port, resolver, ...rest } =
    await readWorkerConfiguration(environment);
  const telemetry = await Telemetry.start({
    app: 'worker',
    prefix,
    otlpEndpoint: rest.otlpEndpoint,
    onError: (error) => logger.warn({ err: error }, 'spans cannot be exported'),
  });
  lifecycle.onStop('telemetry', () => telemetry.stop());
  const worker: Worker = new Worker({
    redisUrl,
    keys: keyspace(prefix),
    ...(partitions === undefined ? {} : { partitions }),
    resolver,
    replay: { windowMs, maxPerRoom, maxBytes },
    retries: { maxAttempts: rest.maxAttempts },
    deadLetters: { maxAgeMs: rest.deadLetterMaxAgeMs, maxCount: rest.deadLetterMaxCount },
    logger,
    listener: telemetry.worker(() => factsOf(worker)),
  });
  telemetry.readiness(() => worker.health().ready);
  const server = await startHealthServer(
    port,
    () => worker.health(),
    (request, response) => telemetry.metrics.answer(request, response),
  );
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

function factsOf({ id, owned, counters }: Worker): WorkerFacts | undefined {
  return id === undefined ? undefined : { workerId: id, owned, counters };
}
