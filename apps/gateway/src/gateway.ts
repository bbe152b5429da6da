import 'reflect-metadata';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { createTokenVerifier } from '@rejoin/identity';
import { ResumableIoAdapter, tokenAuthenticator } from '@rejoin/nest';
import { keyspace } from '@rejoin/redis';
import { type AppContext, answerHealth, type Health, type RunningApp, serverUrl } from '@rejoin/runtime';
import { OriginPolicy, ResumableGateway } from '@rejoin/socketio';
import { readGatewayConfiguration } from './config.ts';
import { GatewayModule } from './gateway.module.ts';
import { WatchPolicies } from './watch-policies.ts';

/** Starts one gateway: Socket.IO at `/socket.io`, and its health. */
export async function startGateway({ environment, lifecycle, logger }: AppContext): Promise<RunningApp> {
  const configuration = readGatewayConfiguration(environment);
  const verifier = createTokenVerifier(configuration, (message) => logger.warn(message));
  const app = await NestFactory.create(GatewayModule, { logger: ['error', 'warn'], abortOnError: false });
  lifecycle.onStop('HTTP server', () => app.close());
  const policies = app.get(WatchPolicies);

  const gateway = new ResumableGateway({
    redisUrl: configuration.redisUrl,
    keys: keyspace(configuration.prefix),
    ...(configuration.partitions === undefined ? {} : { partitions: configuration.partitions }),
    windowMs: configuration.windowMs,
    log: logger,
    authenticate: tokenAuthenticator(verifier),
    authorizeWatch: (principal, resource) => policies.allows(principal, resource),
  });
  lifecycle.onStop('gateway', () => gateway.stop());
  await gateway.start();

  app.useWebSocketAdapter(
    new ResumableIoAdapter(app, gateway, new OriginPolicy(configuration.allowedOrigins).serverOptions()),
  );
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    if (!answerHealth(request, response, () => healthOf(gateway))) next();
  });
  await app.listen(configuration.port);
  return { url: serverUrl(app.getHttpServer() as Server) };
}

function healthOf(gateway: ResumableGateway): Health {
  return { ready: gateway.ready, checks: { feed: { ready: gateway.ready } } };
}
