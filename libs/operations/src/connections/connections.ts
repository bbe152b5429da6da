import { formatCursor } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import {
  type CONNECTION_SORTS,
  type ConnectionFilter,
  type ConnectionRank,
  type ConnectionReport,
  compareRanks,
  type GatewayAnswer,
  type GatewayControl,
  revoke,
} from '@rejoin/socketio';
import { type Actor, requireAllTenants, tenantFor } from '../actor.ts';
import type { Audit } from '../audit/audit.ts';
import { OperationError } from '../errors.ts';
import { formatPosition, parsePosition } from '../position.ts';
import type { ConnectionsPage, ConnectionView, DisconnectOutcome, GatewayView } from './connection-view.ts';

export interface ConnectionsQuery extends Omit<ConnectionFilter, 'tenant'> {
  readonly tenant?: string;
  /** Only this gateway. */
  readonly gateway?: string;
  readonly sort?: (typeof CONNECTION_SORTS)[number];
  readonly order?: 'asc' | 'desc';
  readonly limit?: number;
  readonly after?: string;
}

export interface DisconnectRequest {
  readonly tenant?: string;
  readonly user?: string;
  readonly socketId?: string;
  readonly reason: string;
  readonly dryRun?: boolean;
  /** How long a user, or a whole tenant, is kept out; a plain disconnect only reconnects. */
  readonly blockMs?: number;
}

/** The longest block, in milliseconds. */
const MAX_BLOCK_MS = 30 * 86_400_000;

/**
 * Who is connected, over all gateways. Each gateway filters, sorts and counts its own and hands over one page, so that ten thousand
 * connections cost their operator no more than ten.
 */
export class ConnectionsOfGateways {
  readonly #control: GatewayControl;
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #audit: Audit;

  constructor(control: GatewayControl, client: RedisClient, keys: Keyspace, audit: Audit) {
    this.#control = control;
    this.#client = client;
    this.#keys = keys;
    this.#audit = audit;
  }

  /** @throws OperationError */
  async list(actor: Actor, query: ConnectionsQuery = {}): Promise<ConnectionsPage> {
    const { sort = 'connectedAt', order = 'desc', limit = 100, after, gateway } = query;
    const answers = await this.#control.ask({
      kind: 'list',
      filter: filterOf(actor, query),
      sort,
      order,
      limit,
      after: after === undefined ? null : parsePosition(after, isRank),
    });
    const shown = gateway === undefined ? answers : answers.filter((answer) => answer.gateway === gateway);
    const replies = shown.flatMap(({ reply }) => reply ?? []);
    const sign = order === 'asc' ? 1 : -1;
    const found = shown
      .flatMap(({ gateway: id, reply }) => (reply?.items ?? []).map((report) => ({ id, report })))
      .sort((a, b) => sign * compareRanks(a.report.rank, b.report.rank));
    const items = found.slice(0, limit);
    const last = items.at(-1);
    // A gateway that filled its page may have more of its own.
    const isMore = found.length > limit || replies.some((reply) => reply.items.length === limit);
    return {
      items: items.map(({ id, report }) => viewOf(id, report)),
      next: last && isMore ? formatPosition(last.report.rank) : null,
      asOf: new Date().toISOString(),
      total: sum(replies.map(({ matched }) => matched)),
      partial: shown.some(({ reply }) => reply === null),
      gateways: gatewaysOf(answers, (reply) => reply.matched),
      summary: {
        tenants: merged(replies.map(({ tenants }) => tenants)),
        transports: merged(replies.map(({ transports }) => transports)),
        states: merged(replies.map(({ states }) => states)),
        bufferedBytes: sum(replies.map(({ bufferedBytes }) => bufferedBytes)),
      },
    };
  }

  /** @throws OperationError */
  async disconnect(actor: Actor, request: DisconnectRequest): Promise<DisconnectOutcome> {
    const { user, socketId, reason, dryRun = false, blockMs } = request;
    const tenant = tenantFor(actor, request.tenant);
    if (tenant === undefined && socketId === undefined) {
      throw new OperationError('INVALID_REQUEST', 'name a tenant, with or without a user of it, or a socket');
    }
    if (user !== undefined && tenant === undefined)
      throw new OperationError('INVALID_REQUEST', 'a user is of one tenant: name it as well');
    const target = blockMs === undefined ? null : blockTarget(actor, tenant, user, blockMs);
    const filter = {
      ...(tenant === undefined ? {} : { tenant }),
      ...(user === undefined ? {} : { user }),
      ...(socketId === undefined ? {} : { socketId }),
    };
    const blockedUntil = target && blockMs !== undefined ? new Date(Date.now() + blockMs).toISOString() : null;
    // Counted before anybody goes: a gateway that hears of the block first closes by itself whom it meets.
    const before =
      target && !dryRun ? await this.#control.ask({ kind: 'disconnect', filter, blocked: true, dryRun: true }) : null;
    // First the block: who is disconnected comes back at once.
    if (target && blockMs !== undefined && !dryRun) await revoke(this.#client, this.#keys, target, blockMs, 'block');
    const answers = await this.#control.ask({ kind: 'disconnect', filter, blocked: target !== null, dryRun });
    const matched = sum((before ?? answers).map(({ reply }) => reply?.matched ?? 0));
    const partial = answers.some(({ reply }) => reply === null);
    if (!dryRun) {
      const action = target ? 'connections.block' : 'connections.disconnect';
      const what = blockMs === undefined ? filter : { ...filter, blockMs };
      await this.#audit.write(actor, {
        action,
        filter: what,
        count: matched,
        result: partial ? 'partial' : 'done',
        reason,
      });
    }
    return {
      dryRun,
      matched,
      disconnected: target && !dryRun ? matched : sum(answers.map(({ reply }) => reply?.disconnected ?? 0)),
      partial,
      gateways: gatewaysOf(answers, (reply) => reply.matched),
      blockedUntil,
    };
  }
}

function blockTarget(actor: Actor, tenant: string | undefined, user: string | undefined, blockMs: number) {
  if (tenant === undefined)
    throw new OperationError('INVALID_REQUEST', 'a block is of a tenant or a user of one, not of a socket');
  if (blockMs > MAX_BLOCK_MS) throw new OperationError('INVALID_REQUEST', `a block lasts at most ${MAX_BLOCK_MS} ms`);
  if (user !== undefined) return { kind: 'user', tenantId: tenant, userId: user } as const;
  // Who acts in one tenant only may be of it, and would lock out everybody who could end it.
  requireAllTenants(actor);
  return { kind: 'tenant', tenantId: tenant } as const;
}

function filterOf(
  actor: Actor,
  { tenant: asked, user, socketId, transport, state }: ConnectionsQuery,
): ConnectionFilter {
  const tenant = tenantFor(actor, asked);
  const given = Object.entries({ tenant, user, socketId, transport, state }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

function viewOf(gateway: string, report: ConnectionReport): ConnectionView {
  const { rank: _, epoch, connectedAtMs, tokenExpiresAtMs, transport, roles, watching, ...rest } = report;
  const { partition, entryId } = report;
  return {
    ...rest,
    gateway,
    roles: [...roles],
    watching: [...watching],
    transport: transport === 'websocket' || transport === 'polling' ? transport : 'unknown',
    connectedAt: new Date(connectedAtMs).toISOString(),
    ageMs: Math.max(0, Date.now() - connectedAtMs),
    tokenExpiresAt: new Date(tokenExpiresAtMs).toISOString(),
    cursor: formatCursor({ epoch, partition, entryId }),
  };
}

function gatewaysOf<Reply>(
  answers: readonly GatewayAnswer<Reply>[],
  connections: (reply: Reply) => number,
): GatewayView[] {
  return answers.map(({ gateway, lastSeenMs, reply }) => ({
    id: gateway,
    answered: reply !== null,
    connections: reply === null ? null : connections(reply),
    lastSeen: new Date(lastSeenMs).toISOString(),
  }));
}

function merged(lists: readonly (readonly (readonly [string, number])[])[]): { name: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const [name, count] of lists.flat()) counts.set(name, (counts.get(name) ?? 0) + count);
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, 100);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function isRank(value: unknown): value is ConnectionRank {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    ['string', 'number'].includes(typeof value[0]) &&
    typeof value[1] === 'string'
  );
}
