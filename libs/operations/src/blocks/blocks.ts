import { compareEntryIds, entryIdTimeMs } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { liftBlock, type StandingBlock, standingBlocks } from '@rejoin/socketio';
import { type Actor, requireAllTenants, tenantFor } from '../actor.ts';
import type { Audit } from '../audit/audit.ts';
import { OperationError } from '../errors.ts';
import { formatPosition, isEntryPosition, parsePosition } from '../position.ts';
import type { BlocksPage, BlockView, LiftOutcome } from './block-view.ts';

export interface BlocksQuery {
  readonly tenant?: string;
  readonly user?: string;
  readonly limit?: number;
  readonly after?: string;
}

export interface LiftRequest {
  readonly tenant?: string;
  /** The whole tenant's block where absent. */
  readonly user?: string;
  readonly reason: string;
  readonly dryRun?: boolean;
}

/** Who is kept out by an operator, and letting them in before the time is over. */
export class Blocks {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #audit: Audit;

  constructor(client: RedisClient, keys: Keyspace, audit: Audit) {
    this.#client = client;
    this.#keys = keys;
    this.#audit = audit;
  }

  /** Latest first. @throws OperationError */
  async list(actor: Actor, { user, limit = 100, after, ...asked }: BlocksQuery = {}): Promise<BlocksPage> {
    const tenant = tenantFor(actor, asked.tenant);
    const begin = after === undefined ? null : parsePosition(after, isEntryPosition);
    const { blocks, complete } = await standingBlocks(this.#client, this.#keys);
    const found = blocks.filter(
      ({ target, entryId }) =>
        (tenant === undefined || target.tenantId === tenant) &&
        (user === undefined || userOf(target) === user) &&
        (begin === null || compareEntryIds(entryId, begin) < 0),
    );
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(viewOf),
      next: last !== undefined && found.length > limit ? formatPosition(last.entryId) : null,
      asOf: new Date().toISOString(),
      complete,
    };
  }

  /** @throws OperationError `NOT_FOUND` where no such block is in force */
  async lift(actor: Actor, { user, reason, dryRun = false, ...asked }: LiftRequest): Promise<LiftOutcome> {
    const tenant = tenantFor(actor, asked.tenant);
    if (tenant === undefined) throw new OperationError('INVALID_REQUEST', 'name the tenant, with or without a user');
    // Whoever acts in one tenant only cannot block all of it, and so cannot end that either.
    if (user === undefined) requireAllTenants(actor);
    const { blocks } = await standingBlocks(this.#client, this.#keys);
    const block = blocks.find(({ target }) => target.tenantId === tenant && userOf(target) === (user ?? null));
    if (block === undefined) {
      throw new OperationError(
        'NOT_FOUND',
        `${user === undefined ? '' : `user ${user} of `}tenant ${tenant} is not blocked`,
      );
    }
    if (!dryRun) {
      await liftBlock(this.#client, this.#keys, block.target);
      const filter = user === undefined ? { tenant } : { tenant, user };
      await this.#audit.write(actor, { action: 'connections.unblock', filter, count: 1, result: 'done', reason });
    }
    return { dryRun, block: viewOf(block) };
  }
}

function userOf(target: StandingBlock['target']): string | null {
  return target.kind === 'user' ? target.userId : null;
}

function viewOf({ target, entryId, untilMs }: StandingBlock): BlockView {
  return {
    tenant: target.tenantId,
    user: userOf(target),
    since: new Date(entryIdTimeMs(entryId)).toISOString(),
    until: new Date(untilMs).toISOString(),
    remainingMs: Math.max(0, untilMs - Date.now()),
  };
}
