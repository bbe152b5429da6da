import 'reflect-metadata';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createTokenVerifier } from '@rejoin/identity';
import { RateLimit } from '@rejoin/limits';
import type { SettingsView } from '@rejoin/operations';
import { createPublisher, type Publisher, StreamUnavailableError } from '@rejoin/publisher';
import { connect, disconnect, keyspace, PartitionCountMismatchError } from '@rejoin/redis';
import {
  type AppContext,
  answerHealth,
  InvalidConfigurationError,
  type Logger,
  nestLogger,
  type RunningApp,
  serverUrl,
} from '@rejoin/runtime';
import { type ProcessMetrics, Telemetry } from '@rejoin/telemetry';
import { describeApi, OPENAPI_PATH } from './api/openapi.ts';
import { validation } from './api/validation.ts';
import { type OpsConfiguration, readOpsConfiguration } from './config.ts';
import { ConsoleFiles } from './console/console-files.ts';
import { PublishLimits } from './events/publish-limits.ts';
import { LivePartitions } from './live/live-partitions.ts';
import { OperationsAccess } from './operations/operations-access.ts';
import { partitionFacts } from './operations/partition-facts.ts';
import { opsModule } from './ops.module.ts';
import { RedisProbe } from './redis-probe.ts';

/** A request must have arrived by then, in milliseconds; slower ones are answered 408. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Time that requests under way have to finish when the process stops, in milliseconds. */
const DRAIN_MS = 3_000;

/** Starts the HTTP entrance: publishing, and the health of the process. */
export async function startOps({ environment, lifecycle, logger }: AppContext): Promise<RunningApp> {
  const configuration = await readOpsConfiguration(environment);
  const verifier = createTokenVerifier(configuration, (message) => logger.warn(message));

  const probe = new RedisProbe(configuration.redisUrl);
  lifecycle.onStop('Redis probe', () => probe.stop());
  probe.start();
  const telemetry = await Telemetry.start({
    app: 'ops',
    prefix: configuration.prefix,
    otlpEndpoint: configuration.otlpEndpoint,
    onError: (error) => logger.warn({ err: error }, 'spans cannot be exported'),
  });
  lifecycle.onStop('telemetry', () => telemetry.stop());
  const { metrics } = telemetry;
  telemetry.readiness(() => probe.ready);
  const publisher = createPublisher({
    redis: configuration.redisUrl,
    prefix: configuration.prefix,
    ...(configuration.partitions === undefined ? {} : { partitions: configuration.partitions }),
    maxBacklog: configuration.maxBacklog,
    fillIdentity: false,
    listener: telemetry.publisher(),
    onConnectionError: (error) => logger.warn({ err: error }, 'connection to Redis'),
  });
  lifecycle.onStop('publisher', () => publisher.close());
  await openInstallation(publisher, logger);

  const operations = new OperationsAccess({
    redisUrl: configuration.redisUrl,
    keys: keyspace(configuration.prefix),
    ...(configuration.partitions === undefined ? {} : { partitions: configuration.partitions }),
    replay: { windowMs: configuration.windowMs, maxBytes: configuration.replayMaxBytes },
    resolver: configuration.resolver,
    logger,
  });
  lifecycle.onStop('operations', () => operations.stop());
  telemetry.partitions(() => partitionFacts(operations, configuration.windowMs));
  telemetry.tenants(async (count) => (await operations.open()).tenants.busiest(count));
  // Statuses and rates need a window of samples, so they are taken from the beginning.
  operations
    .open()
    .catch((error: unknown) => logger.warn({ err: error }, 'Redis is away: nothing can be looked at yet'));

  const app = await NestFactory.create<NestExpressApplication>(
    opsModule({
      publisher,
      verifier,
      bodyLimits: configuration,
      publishLimits: openPublishLimits(configuration, { lifecycle, logger, metrics }),
      logger,
      operations,
      settings: () => settingsOf(configuration, operations),
    }),
    { logger: nestLogger(logger), abortOnError: false, bodyParser: false },
  );
  const server = app.getHttpServer() as Server;
  lifecycle.onStop('HTTP server', () => stopServing(app, server));
  const console = new ConsoleFiles();
  if (!console.present) logger.warn('the console is not built: npm run build');
  const live = new LivePartitions({ server, verifier, operations, logger });
  lifecycle.onStop('live connections', () => live.stop());
  app.useGlobalPipes(validation);
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const checks = { redis: { ready: probe.ready, ...(probe.failure ? { detail: probe.failure } : {}) } };
    const health = { ready: probe.ready, checks };
    if (answerHealth(request, response, () => health) || metrics.answer(request, response)) return;
    if (!console.answer(request, response)) next();
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  serveApiDescription(app);
  await app.listen(configuration.port);
  return { url: serverUrl(server) };
}

/** Counts of what is published, over all processes of the installation. */
function openPublishLimits(
  configuration: OpsConfiguration,
  { lifecycle, logger, metrics }: Pick<AppContext, 'lifecycle' | 'logger'> & { readonly metrics: ProcessMetrics },
): PublishLimits {
  const client = connect({
    url: configuration.redisUrl,
    use: 'commands',
    name: 'ops-limits',
    onError: (error) => logger.warn({ err: error }, 'connection to Redis'),
  });
  lifecycle.onStop('publishing limits', () => disconnect(client));
  const limited = metrics.counter('rejoin_rate_limited_total');
  const perTenSeconds = (scope: string, points: number): RateLimit =>
    RateLimit.shared(client, keyspace(configuration.prefix), { scope, points, durationS: 10 });
  return new PublishLimits(
    perTenSeconds('events_per_token', configuration.eventsPerToken),
    perTenSeconds('events_per_tenant', configuration.eventsPerTenant),
    (scope) => limited({ scope }),
  );
}

async function settingsOf(configuration: OpsConfiguration, operations: OperationsAccess): Promise<SettingsView> {
  const { prefix, windowMs, replayMaxBytes, maxBacklog } = configuration;
  const { partitions } = await operations.open();
  return { prefix, partitions: partitions.count, replayWindowMs: windowMs, replayMaxBytes, maxBacklog };
}

/** To anybody: it says how to ask, not what there is. Made when somebody asks first, for most processes are never asked. */
function serveApiDescription(app: NestExpressApplication): void {
  let description: string | undefined;
  app.use(OPENAPI_PATH, (_: IncomingMessage, response: ServerResponse) => {
    description ??= JSON.stringify(describeApi(app));
    response.setHeader('content-type', 'application/json').end(description);
  });
}

/** Finds a wrong partition count at once; a Redis that is away is waited for while requests are answered 503. */
async function openInstallation(publisher: Publisher, logger: Logger): Promise<void> {
  try {
    await publisher.open();
  } catch (error) {
    if (error instanceof PartitionCountMismatchError) throw new InvalidConfigurationError([error.message]);
    if (!(error instanceof StreamUnavailableError)) throw error;
    logger.warn({ err: error }, 'Redis is away: publishing is refused until it is back');
  }
}

/** Takes no more connections, and closes each as its request is answered; what is not answered in time is cut. */
async function stopServing(app: NestExpressApplication, server: Server): Promise<void> {
  // Closing a server closes the connections that are idle then, not those that become idle afterwards.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  const deadline = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  try {
    await app.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(deadline);
  }
}
