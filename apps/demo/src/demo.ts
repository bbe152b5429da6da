import { once } from 'node:events';
import type { Server } from 'node:http';
import { createPublisher, type Publisher, StreamUnavailableError } from '@rejoin/publisher';
import { PartitionCountMismatchError } from '@rejoin/redis';
import { type AppContext, type Health, InvalidConfigurationError, type RunningApp, serverUrl } from '@rejoin/runtime';
import { Telemetry } from '@rejoin/telemetry';
import { Announcer } from './announcer.ts';
import { readDemoConfiguration } from './config.ts';
import { createDemoServer } from './http-server.ts';
import { OrderTraffic } from './order-traffic.ts';
import { readPageFiles } from './page-files.ts';
import { recipientsOf } from './shop.ts';
import { TokenMint } from './token-mint.ts';

/**
 * Starts the demo: an orders service with a page that shows what its clients see of it.
 * @param directory the built app
 */
export async function startDemo({ environment, lifecycle, logger }: AppContext, directory: URL): Promise<RunningApp> {
  const configuration = readDemoConfiguration(environment);
  const mint = TokenMint.create(configuration);
  if (mint === null) logger.warn('JWT_SECRET is not set: the page can sign in nobody');

  const telemetry = await Telemetry.start({
    app: 'demo',
    prefix: configuration.prefix,
    otlpEndpoint: configuration.otlpEndpoint,
    onError: (error) => logger.warn({ err: error }, 'spans cannot be exported'),
  });
  lifecycle.onStop('telemetry', () => telemetry.stop());
  const publisher = createPublisher({
    redis: configuration.redisUrl,
    prefix: configuration.prefix,
    ...(configuration.partitions === undefined ? {} : { partitions: configuration.partitions }),
    listener: telemetry.publisher(),
  });
  lifecycle.onStop('publisher', () => publisher.close());
  await requireSamePartitions(publisher);

  const announcer = new Announcer();
  const traffic = new OrderTraffic({
    publisher,
    logger,
    onPublished: (event) => {
      const recipients = recipientsOf(event).map(({ tenant, id }) => `${tenant}/${id}`);
      announcer.announce('published', { id: event.id, time: event.time, recipients });
    },
    onStatus: (status) => announcer.announce('status', status),
  });
  lifecycle.onStop('order traffic', () => traffic.stop());

  telemetry.readiness(() => healthOf(traffic).ready);
  const server = createDemoServer({
    page: readPageFiles(directory),
    mint,
    gatewayUrls: configuration.gatewayUrls,
    health: () => healthOf(traffic),
    metrics: telemetry.metrics,
    addViewer: (viewer) => announcer.add(viewer, 'status', traffic.status),
  });
  server.listen(configuration.port);
  await once(server, 'listening');
  lifecycle.onStop('HTTP server', () => close(server));
  traffic.start();
  return { url: serverUrl(server) };
}

/** Finds a wrong partition count before anything is published; a Redis that is away is waited for by the traffic. */
async function requireSamePartitions(publisher: Publisher): Promise<void> {
  try {
    await publisher.open();
  } catch (error) {
    if (error instanceof PartitionCountMismatchError) throw new InvalidConfigurationError([error.message]);
    if (!(error instanceof StreamUnavailableError)) throw error;
  }
}

function healthOf({ status: { problem } }: OrderTraffic): Health {
  const ready = problem === null;
  return { ready, checks: { publishing: ready ? { ready } : { ready, detail: problem } } };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
