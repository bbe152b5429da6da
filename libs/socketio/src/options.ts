import type { Keyspace } from '@rejoin/redis';
import type { ConnectionBounds as BufferBounds } from './connection.ts';
import type { GatewayListener } from './gateway-listener.ts';
import { type ConnectionBounds, DEFAULT_CONNECTION_BOUNDS } from './limits/connection-limits.ts';
import { DEFAULT_RATES, type Rates } from './limits/rates.ts';
import type { ConnectionPrincipal } from './principal.ts';
import type { ResourceToken } from './resource.ts';

/** What is worth an operator's attention, with its context. No payloads, no tokens. */
export interface GatewayLog {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

/** Every bound of a gateway; each has a default. */
export interface GatewayBounds extends BufferBounds {
  /** Most resources one connection may watch; 100. */
  readonly maxWatched: number;
  /** Largest packet a client may send, in bytes; 64 KiB. A larger one ends its connection, unread. */
  readonly maxClientPacketBytes: number;
  /** Largest command, in bytes with its attachments; 32 KiB. A larger one is refused with `INVALID_PAYLOAD`. */
  readonly maxCommandBytes: number;
  /** How deep arrays and objects of a command may be nested; 16. A deeper one is refused likewise. */
  readonly maxCommandDepth: number;
  /** Replays that may be under way or waiting; beyond them, or a tenant's share, clients are told to come back; 5,000. */
  readonly maxReplays: number;
  /** Transports that may be open without a client having been admitted, in all and of one address; 10,000 and 5,000. */
  readonly maxPending: number;
  readonly maxPendingPerAddress: number;
  /** How long a transport may be open before its client asks to be admitted, in milliseconds; 10,000. */
  readonly handshakeTimeoutMs: number;
  /** Longest time over which a stopping gateway spreads its farewells, in milliseconds; 3,000. */
  readonly drainMs: number;
}

export interface ResumableGatewayOptions {
  /** See `parseRedisUrl`. */
  readonly redisUrl: string;
  readonly keys: Keyspace;
  /** The configured partition count; the installation's where absent. */
  readonly partitions?: number;
  /** How far back a client may resume, in milliseconds; 24 hours by default. */
  readonly windowMs?: number;
  /**
   * How long a partition may bring nothing before this gateway publishes a canary into it, in milliseconds; 0, the default, never
   * does. See {@link PathProof}.
   */
  readonly canaryMs?: number;
  readonly bounds?: Partial<GatewayBounds>;
  readonly connections?: Partial<ConnectionBounds>;
  readonly rates?: Partial<Rates>;
  /**
   * Exact origins of pages that may connect, such as `https://app.example.com`, besides this server's own; `*` for any. None
   * by default. Whoever sends no `Origin` is no browser, and may connect.
   */
  readonly allowedOrigins?: readonly string[];
  /** Proxies whose `X-Forwarded-For` is believed; none by default. See {@link clientAddress}. */
  readonly trustedProxies?: readonly string[];
  readonly log: GatewayLog;
  readonly listener?: GatewayListener;
  /**
   * Says whose connection a token opens or prolongs, after verifying it. It is given whatever the client sent.
   * @throws RefusedError
   */
  authenticate(token: unknown): Promise<ConnectionPrincipal>;
  /** Whether a principal may watch a resource of its tenant; asked on every connection, and for every new watch. */
  authorizeWatch(principal: ConnectionPrincipal, resource: ResourceToken): Promise<boolean>;
}

/** The options with their defaults. */
export interface GatewaySettings extends ResumableGatewayOptions {
  readonly windowMs: number;
  readonly bounds: GatewayBounds;
  readonly connections: ConnectionBounds;
  readonly rates: Rates;
  readonly listener: GatewayListener;
}

const DEFAULT_BOUNDS: GatewayBounds = {
  maxBufferedBytes: 4 * 1024 ** 2,
  maxQueuedEntries: 1_000,
  maxQueuedBytes: 1024 ** 2,
  maxWatched: 100,
  maxClientPacketBytes: 64 * 1024,
  maxCommandBytes: 32 * 1024,
  maxCommandDepth: 16,
  maxReplays: 5_000,
  maxPending: 10_000,
  maxPendingPerAddress: 5_000,
  handshakeTimeoutMs: 10_000,
  drainMs: 3_000,
};

export function settingsOf(options: ResumableGatewayOptions): GatewaySettings {
  return {
    ...options,
    windowMs: options.windowMs ?? 24 * 3_600_000,
    bounds: { ...DEFAULT_BOUNDS, ...options.bounds },
    connections: { ...DEFAULT_CONNECTION_BOUNDS, ...options.connections },
    rates: { ...DEFAULT_RATES, ...options.rates },
    listener: options.listener ?? {},
  };
}
