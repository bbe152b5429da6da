import 'reflect-metadata';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { useResumableGateways } from '@rejoin/nest';
import { disconnect, PartitionCountMismatchError } from '@rejoin/redis';
import {
  type AppContext,
  answerHealth,
  type Health,
  InvalidConfigurationError,
  nestLogger,
  type RunningApp,
  serverUrl,
} from '@rejoin/runtime';
import type { ResumableGateway } from '@rejoin/socketio';
import { Telemetry } from '@rejoin/telemetry';
import { boundsOf, httpBoundsOf, readGatewayConfiguration } from './config.ts';
import { type GatewayModuleOptions, gatewayModule, openFeatureConnections } from './gateway.module.ts';
import { BoundedHttpAdapter } from './http-adapter.ts';

/** Starts one gateway: Socket.IO at `/socket.io`, and its health. */
export async function startGateway({ environment, lifecycle, logger }: AppContext): Promise<RunningApp> {
  const configuration = readGatewayConfiguration(environment);
  const telemetry = await Telemetry.start({
    app: 'gateway',
    prefix: configuration.prefix,
    otlpEndpoint: configuration.otlpEndpoint,
    onError: (error) => logger.warn({ err: error }, 'spans cannot be exported'),
  });
  lifecycle.onStop('telemetry', () => telemetry.stop());
  let gateway: ResumableGateway | undefined;
  const options: GatewayModuleOptions = {
    redisUrl: configuration.redisUrl,
    prefix: configuration.prefix,
    ...(configuration.partitions === undefined ? {} : { partitions: configuration.partitions }),
    windowMs: configuration.windowMs,
    canaryMs: configuration.canaryMs,
    ...boundsOf(configuration),
    log: logger,
    tokens: configuration,
    listener: telemetry.gateway(() => gateway?.facts()),
  };
  const connections = openFeatureConnections(options, telemetry.publisher());
  lifecycle.onStop('feature connections', async () => {
    await connections.publisher.close();
    disconnect(connections.client);
  });
  const http = new BoundedHttpAdapter(httpBoundsOf(configuration));
  const app = await NestFactory.create(gatewayModule(options, connections), http, {
    logger: nestLogger(logger),
    abortOnError: false,
  });
  lifecycle.onStop('HTTP server', () => app.close());
  const served = await useResumableGateways(app, {
    pingInterval: configuration.pingIntervalMs,
    pingTimeout: configuration.pingTimeoutMs,
  }).catch(asConfigurationProblem);
  gateway = served;
  telemetry.readiness(() => served.ready);
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    if (!answerHealth(request, response, () => healthOf(served)) && !telemetry.metrics.answer(request, response))
      next();
  });
  await app.listen(configuration.port);
  return { url: serverUrl(app.getHttpServer() as Server) };
}

function asConfigurationProblem(error: unknown): never {
  if (error instanceof PartitionCountMismatchError) throw new InvalidConfigurationError([error.message]);
  throw error;
}

function healthOf(gateway: ResumableGateway): Health {
  return { ready: gateway.ready, checks: gateway.checks };
}
