import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Lifecycle } from '@rejoin/runtime';
import jsonwebtoken from 'jsonwebtoken';
import type { MeteredRedis } from './metered-redis.ts';
import { PeerProcess } from './peer-process.ts';
import type { ClientCalls } from './peers/client-calls.ts';
import type { ProducerCalls } from './peers/producer.ts';

export type Side = 'rejoin' | 'stock';

export interface SystemOptions {
  readonly gateways: number;
  /** Of this project; as by default where absent. */
  readonly partitions?: number;
  /** Takes what is started; it ends with the run, or earlier with `System.stop`. */
  readonly lifecycle: Lifecycle;
  /** Where this project's processes leave a V8 CPU profile when they end. */
  readonly profileDirectory?: string;
}

/** One side of a comparison: its Redis, gateways and producer. Clients are the same for both. */
export interface System {
  readonly side: Side;
  readonly redis: MeteredRedis;
  readonly gatewayUrls: readonly string[];
  readonly gatewayPids: readonly number[];
  readonly producer: PeerProcess<ProducerCalls>;
  /** Its processes, without the clients'. */
  readonly pids: readonly number[];
  /** The event by which a client learns that it has everything it missed; `null` where there is none. */
  readonly readyEvent: string | null;
  /** Resolves when everything published is where a client that comes back finds it. */
  settled(): Promise<void>;
  /** Ends all its processes. Idempotent. */
  stop(): Promise<void>;
}

/** All clients belong to one tenant, unless a scenario says otherwise. */
export const TENANT = 'acme';
/** Signs the tokens of one run. */
export const JWT_SECRET = randomBytes(32).toString('base64url');

export function tokenFor(user: string, tenant = TENANT): string {
  return jsonwebtoken.sign({ tenant_id: tenant }, JWT_SECRET, { subject: user, expiresIn: '1h', algorithm: 'HS256' });
}

/** For the operator API. */
export function operatorToken(): string {
  return jsonwebtoken.sign({ scope: 'ops:read' }, JWT_SECRET, {
    subject: 'bench',
    expiresIn: '1h',
    algorithm: 'HS256',
  });
}

export function usersNamed(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** Starts the clients of one side and connects them, one per user, spread over its gateways. */
export async function connectClients(
  system: System,
  users: readonly string[],
  lifecycle: Lifecycle,
  tenant = TENANT,
): Promise<PeerProcess<ClientCalls>> {
  const clients = await PeerProcess.start<ClientCalls>({
    name: `${system.side} clients`,
    entry: peerEntry('clients'),
    env: {},
    lifecycle,
  });
  await clients.call('connect', {
    urls: system.gatewayUrls,
    clients: users.map((user) => ({ token: tokenFor(user, tenant) })),
    readyEvent: system.readyEvent,
  });
  return clients;
}

export function peerEntry(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}.js`, import.meta.url));
}
