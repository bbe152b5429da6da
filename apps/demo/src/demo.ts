import 'reflect-metadata';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { PartitionCountMismatchError } from '@rejoin/redis';
import {
  type AppContext,
  type Health,
  InvalidConfigurationError,
  nestLogger,
  type RunningApp,
  serverUrl,
} from '@rejoin/runtime';
import { Telemetry } from '@rejoin/telemetry';
import { Announcer } from './announcer.ts';
import { readDemoConfiguration } from './config.ts';
import { createDemoServer } from './http-server.ts';
import { ordersModule } from './orders/orders.module.ts';
import { OrdersService } from './orders/orders.service.ts';
import { PublishingStatus } from './orders/publishing-status.ts';
import { readPageFiles } from './page-files.ts';
import { Supervisor } from './supervisor.ts';
import { TokenMint } from './token-mint.ts';

/**
 * Starts the demo: an orders service with a page that shows what its clients see of it.
 * @param directory the built app
 * @param channel to the process that started this one
 */
export async function startDemo(
  { environment, lifecycle, logger }: AppContext,
  directory: URL,
  channel: Pick<NodeJS.Process, 'send' | 'on'> = process,
): Promise<RunningApp> {
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
  const announcer = new Announcer();
  const supervisor = new Supervisor(channel, (programs) => announcer.announce('programs', programs));
  const status = new PublishingStatus((now) => announcer.announce('status', now));
  telemetry.readiness(() => healthOf(status).ready);
  const counters = telemetry.publisher();
  const app = await NestFactory.createApplicationContext(
    ordersModule({
      redis: configuration.redisUrl,
      prefix: configuration.prefix,
      partitions: configuration.partitions,
      listener: {
        ...counters,
        onAppended: (append) => {
          counters.onAppended(append);
          status.onAppended(append);
        },
      },
      status,
      announcer,
    }),
    { logger: nestLogger(logger), abortOnError: false },
  ).catch(asConfigurationProblem);
  lifecycle.onStop('orders service', () => app.close());

  const orders = app.get(OrdersService);
  const server = createDemoServer({
    page: readPageFiles(directory),
    mint,
    gatewayUrls: configuration.gatewayUrls,
    health: () => healthOf(status),
    metrics: telemetry.metrics,
    supervisor,
    addViewer: (viewer) =>
      announcer.add(viewer, [
        ['status', { problem: status.problem }],
        ...(supervisor.programs === null ? [] : [['programs', supervisor.programs] as const]),
      ]),
    placeOrder: (customer) => orders.place(customer),
  });
  server.listen(configuration.port);
  await once(server, 'listening');
  lifecycle.onStop('HTTP server', () => close(server));
  return { url: serverUrl(server) };
}

/** A wrong partition count is found before anything is published; a Redis that is away is waited for. */
function asConfigurationProblem(error: unknown): never {
  if (error instanceof PartitionCountMismatchError) throw new InvalidConfigurationError([error.message]);
  throw error;
}

function healthOf({ problem }: PublishingStatus): Health {
  const ready = problem === null;
  return { ready, checks: { publishing: ready ? { ready } : { ready, detail: problem } } };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
