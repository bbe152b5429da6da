import {
  bytes,
  durationMs,
  InvalidConfigurationError,
  integer,
  orZero,
  port,
  readConfiguration,
  redisVariables,
  replayVariables,
  telemetryVariables,
  texts,
  tokenVariables,
} from '@rejoin/runtime';
import { clientAddress, type ResumableGatewayOptions } from '@rejoin/socketio';
import type { HttpBounds } from './http-adapter.ts';

const SPARE_CONNECTIONS = 100;
const COUNT = { min: 1, max: 100_000_000 } as const;

/** A process has 8 s to stop, in which it releases other things too. */
const MAX_DRAIN_MS = 5_000;
const drainSpread = durationMs('DRAIN_SPREAD', 3_000, '3s');

const variables = {
  ...redisVariables,
  ...telemetryVariables,
  ...tokenVariables,
  windowMs: replayVariables.windowMs,
  port: port('PORT', 3_000),
  canaryMs: orZero(durationMs('CANARY', 30_000, '30s')),
  trustedProxies: {
    ...texts('TRUSTED_PROXIES', [], '10.0.0.0/8'),
    parse(value: string): readonly string[] {
      const proxies = texts('TRUSTED_PROXIES', [], '').parse(value);
      clientAddress(proxies);
      return proxies;
    },
  },
  maxConnections: integer('MAX_CONNECTIONS', 20_000, COUNT),
  maxConnectionsPerAddress: integer('MAX_CONNECTIONS_PER_ADDRESS', 10_000, COUNT),
  maxConnectionsPerUser: integer('MAX_CONNECTIONS_PER_USER', 1_000, COUNT),
  maxConnectionsPerTenant: integer('MAX_CONNECTIONS_PER_TENANT', 50_000, COUNT),
  handshakesPerAddress: integer('HANDSHAKES_PER_ADDRESS', 12_000, COUNT),
  handshakesPerUser: integer('HANDSHAKES_PER_USER', 3_000, COUNT),
  commandsPerSocket: integer('COMMANDS_PER_SOCKET', 100, COUNT),
  commandsPerUser: integer('COMMANDS_PER_USER', 300, COUNT),
  maxWatched: integer('MAX_WATCHED', 100, { min: 0, max: 10_000 }),
  maxReplays: integer('MAX_REPLAYS', 5_000, COUNT),
  maxClientPacketBytes: bytes('MAX_CLIENT_PACKET', 65_536, '64kb'),
  maxCommandBytes: bytes('MAX_COMMAND', 32_768, '32kb'),
  maxCommandDepth: integer('MAX_COMMAND_DEPTH', 16, { min: 1, max: 1_000 }),
  maxPending: integer('MAX_PENDING', 10_000, COUNT),
  maxPendingPerAddress: integer('MAX_PENDING_PER_ADDRESS', 5_000, COUNT),
  handshakeTimeoutMs: durationMs('HANDSHAKE_TIMEOUT', 10_000, '10s'),
  pingIntervalMs: durationMs('PING_INTERVAL', 25_000, '25s'),
  pingTimeoutMs: durationMs('PING_TIMEOUT', 20_000, '20s'),
  maxBufferedBytes: bytes('MAX_BUFFERED', 4_194_304, '4mb'),
  drainMs: {
    ...drainSpread,
    parse(value: string): number {
      const ms = drainSpread.parse(value);
      if (ms > MAX_DRAIN_MS) throw new Error(`must be at most ${MAX_DRAIN_MS / 1_000}s`);
      return ms;
    },
  },
  allowedOrigins: {
    ...texts('ALLOWED_ORIGINS', [], 'https://app.example.com'),
    parse(value: string): readonly string[] {
      const origins = texts('ALLOWED_ORIGINS', [], '').parse(value);
      for (const origin of origins) {
        if (origin !== '*' && !isOrigin(origin)) throw new Error(`must list exact origins, and "${origin}" is none`);
      }
      return origins;
    },
  },
};

/** @throws InvalidConfigurationError */
export function readGatewayConfiguration(environment: NodeJS.ProcessEnv) {
  const configuration = readConfiguration(variables, environment);
  if (configuration.allowedOrigins.includes('*') && environment.NODE_ENV === 'production') {
    throw new InvalidConfigurationError([
      'ALLOWED_ORIGINS must not be "*" in production; for example ALLOWED_ORIGINS=https://app.example.com',
    ]);
  }
  return configuration;
}

export type GatewayConfiguration = ReturnType<typeof readGatewayConfiguration>;

type Bounds = Required<
  Pick<ResumableGatewayOptions, 'bounds' | 'connections' | 'rates' | 'trustedProxies' | 'allowedOrigins'>
>;

/** The part of the gateway's options that bounds it. */
export function boundsOf(configuration: GatewayConfiguration): Bounds {
  const { maxWatched, maxReplays, maxClientPacketBytes, maxBufferedBytes, drainMs } = configuration;
  const { maxCommandBytes, maxCommandDepth, maxPending, maxPendingPerAddress, handshakeTimeoutMs } = configuration;
  const { handshakesPerAddress, handshakesPerUser, commandsPerSocket, commandsPerUser } = configuration;
  return {
    bounds: {
      maxWatched,
      maxReplays,
      maxClientPacketBytes,
      maxCommandBytes,
      maxCommandDepth,
      maxPending,
      maxPendingPerAddress,
      handshakeTimeoutMs,
      maxBufferedBytes,
      drainMs,
    },
    connections: {
      perGateway: configuration.maxConnections,
      perAddress: configuration.maxConnectionsPerAddress,
      perUser: configuration.maxConnectionsPerUser,
      perTenant: configuration.maxConnectionsPerTenant,
    },
    rates: { handshakesPerAddress, handshakesPerUser, commandsPerSocket, commandsPerUser },
    trustedProxies: configuration.trustedProxies,
    allowedOrigins: configuration.allowedOrigins,
  };
}

/** TCP connections: those of clients, those of clients to come, and some to ask how the gateway is. */
export function httpBoundsOf({ maxConnections, maxPending, handshakeTimeoutMs }: GatewayConfiguration): HttpBounds {
  return { headersTimeoutMs: handshakeTimeoutMs, maxConnections: maxConnections + maxPending + SPARE_CONNECTIONS };
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
