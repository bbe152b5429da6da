import { GroupDirectory, GroupLimitError, InvalidGroupError } from '@rejoin/audience';
import { parseAudienceToken } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type Actor, tenantFor } from '../actor.ts';
import type { Audit } from '../audit/audit.ts';
import { OperationError } from '../errors.ts';
import { formatPosition, parsePosition } from '../position.ts';
import type { GroupOutcome, GroupsPage, MembersPage } from './group-view.ts';

export interface GroupsQuery {
  readonly tenant?: string;
  readonly limit?: number;
  readonly after?: string;
}

export interface GroupChangeRequest {
  readonly tenant?: string;
  readonly group: string;
  /** Users. */
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly reason: string;
  readonly dryRun?: boolean;
}

/** Who is in which group. A change is in force for events and for connections within a second, as one by a service is. */
export class Groups {
  readonly #directory: GroupDirectory;
  readonly #audit: Audit;

  constructor(client: RedisClient, keys: Keyspace, partitions: number, audit: Audit) {
    this.#directory = new GroupDirectory(client, keys, partitions);
    this.#audit = audit;
  }

  /** The groups of a tenant that have members, by name. @throws OperationError */
  async list(actor: Actor, { limit = 100, after, ...asked }: GroupsQuery): Promise<GroupsPage> {
    const tenant = requireTenant(actor, asked.tenant);
    const page = await refusing(() =>
      this.#directory.listGroups(tenant, {
        limit,
        ...(after === undefined ? {} : { after: parsePosition(after, isText) }),
      }),
    );
    return { items: page.items.map((group) => ({ group })), next: nextOf(page.next), asOf: new Date().toISOString() };
  }

  /** @throws OperationError */
  async members(
    actor: Actor,
    { group, limit = 100, after, ...asked }: GroupsQuery & { readonly group: string },
  ): Promise<MembersPage> {
    const tenant = requireTenant(actor, asked.tenant);
    const from = after === undefined ? {} : { after: parsePosition(after, isText) };
    const [page, { size }] = await refusing(() =>
      Promise.all([
        this.#directory.listMembers(tenant, group, { limit, ...from }),
        this.#directory.members(tenant, group),
      ]),
    );
    return {
      items: page.items.map((user) => ({ user })),
      next: nextOf(page.next),
      asOf: new Date().toISOString(),
      size,
    };
  }

  /**
   * Removes first, then adds. Several hundred users are changed in steps, so where it fails some may have been; repeating it is
   * harmless.
   * @throws OperationError
   */
  async change(actor: Actor, request: GroupChangeRequest): Promise<GroupOutcome> {
    const { group, add = [], remove = [], reason, dryRun = false } = request;
    const tenant = requireTenant(actor, request.tenant);
    if (add.length + remove.length === 0) throw new OperationError('INVALID_REQUEST', 'name users to add or to remove');
    // All of them before any: what is removed is not put back.
    for (const user of [...add, ...remove]) requireUser(user);
    return refusing(async () => {
      if (dryRun) return this.#plan(tenant, group, add, remove);
      const { removed } = await this.#directory.remove(tenant, group, remove);
      const { added, size } = await this.#directory.add(tenant, group, add);
      const filter = { tenant, group, add: add.length, remove: remove.length };
      await this.#audit.write(actor, {
        action: 'group.change',
        filter,
        count: added + removed,
        result: 'done',
        reason,
      });
      return { dryRun, added, removed, size };
    });
  }

  async #plan(tenant: string, group: string, add: readonly string[], remove: readonly string[]): Promise<GroupOutcome> {
    const { size } = await this.#directory.members(tenant, group);
    const isMember = async (user: string) => (await this.#directory.groupsOf(tenant, user)).has(group);
    const members = async (users: Iterable<string>) => {
      const found = await Promise.all(
        [...new Set(users)].map(async (user) => ({ user, member: await isMember(user) })),
      );
      return new Set(found.filter(({ member }) => member).map(({ user }) => user));
    };
    const removed = await members(remove);
    const there = await members(add);
    const added = new Set(add.filter((user) => !there.has(user) || removed.has(user))).size;
    return { dryRun: true, added, removed: removed.size, size: size + added - removed.size };
  }
}

function requireTenant(actor: Actor, asked: string | undefined): string {
  const tenant = tenantFor(actor, asked);
  if (tenant === undefined) throw new OperationError('INVALID_REQUEST', 'a group is of one tenant: name it');
  return tenant;
}

function requireUser(user: string): void {
  const token = parseAudienceToken(`user:${user}`);
  if (token?.kind === 'user' && token.id === user) return;
  throw new OperationError('INVALID_REQUEST', `${JSON.stringify(user)} is not the name of a user`);
}

/** What the directory refuses is the asker's mistake. */
async function refusing<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof InvalidGroupError || error instanceof GroupLimitError)
      throw new OperationError('INVALID_REQUEST', error.message, { cause: error });
    throw error;
  }
}

function nextOf(next: string | null): string | null {
  return next === null ? null : formatPosition(next);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
