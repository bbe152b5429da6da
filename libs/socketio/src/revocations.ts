import type { EntryId } from '@rejoin/protocol';
import { type Keyspace, loadScript, type RedisClient } from '@rejoin/redis';
import type { ConnectionPrincipal } from './principal.ts';

/** Whom a revocation shuts out: the bearers of one token, one user of a tenant, or a whole tenant. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'user'; readonly tenantId: string; readonly userId: string }
  | { readonly kind: 'tenant'; readonly tenantId: string };

/** Why somebody is shut out: access was withdrawn, or an operator blocks them for a time. For operators; both act alike. */
export type RevocationCause = 'revocation' | 'block';

const script = loadScript('revoke', import.meta.url);
/** Revocations that one look reads at most; the next look goes on. */
const READ_COUNT = 1_000;

function fieldsOf(flat: readonly string[]): { target?: string; until?: string } {
  const fields = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
  const [target, until] = [fields.get('target'), fields.get('until')];
  return target === undefined || until === undefined ? {} : { target, until };
}

/** One text per target, without a way to write two targets alike. */
function nameOf(target: RevocationTarget): string {
  switch (target.kind) {
    case 'token':
      return JSON.stringify(['token', target.tokenId]);
    case 'user':
      return JSON.stringify(['user', target.tenantId, target.userId]);
    case 'tenant':
      return JSON.stringify(['tenant', target.tenantId]);
  }
}

function namesOf({ tenantId, userId, tokenId }: ConnectionPrincipal): string[] {
  const names = [nameOf({ kind: 'user', tenantId, userId }), nameOf({ kind: 'tenant', tenantId })];
  if (tokenId !== undefined) names.push(nameOf({ kind: 'token', tokenId }));
  return names;
}

/**
 * Shuts a target out: every gateway learns of it within a second, ends the target's connections and refuses new ones until
 * the revocation ends. Also works while memory is full.
 * @param forMs how long, in milliseconds; for a token at least as long as it is valid
 */
export async function revoke(
  client: RedisClient,
  keys: Keyspace,
  target: RevocationTarget,
  forMs: number,
  cause: RevocationCause = 'revocation',
): Promise<void> {
  if (!(forMs >= 1)) throw new RangeError(`a revocation must last at least a millisecond, not ${forMs}`);
  await script.run(client, [keys.revocations], [nameOf(target), Math.round(forMs), cause]);
}

/**
 * Ends a block before its time: gateways let its target in again within a second. What code revoked stays revoked, and ends by
 * itself. Also works while memory is full.
 */
export async function liftBlock(client: RedisClient, keys: Keyspace, target: RevocationTarget): Promise<void> {
  // A later entry for a target takes the place of an earlier one, and this one ends at once.
  await revoke(client, keys, target, 1, 'block');
}

/** What is revoked now, as this gateway knows it: a copy of the installation's list, kept young by reading on. */
export class Revocations {
  readonly #client: RedisClient;
  readonly #key: string;
  readonly #untilMs = new Map<string, number>();
  #position: EntryId = '0-0';

  constructor(client: RedisClient, keys: Keyspace) {
    this.#client = client;
    this.#key = keys.revocations;
  }

  /** Reads what was revoked since the last call; returns whether there was anything. */
  async read(): Promise<boolean> {
    let found = false;
    for (;;) {
      const entries = await this.#client.xrange(this.#key, `(${this.#position}`, '+', 'COUNT', READ_COUNT);
      for (const [entryId, fields] of entries) {
        this.#position = entryId;
        const { target, until } = fieldsOf(fields);
        if (target !== undefined) this.#untilMs.set(target, Number(until));
      }
      found ||= entries.length > 0;
      if (entries.length < READ_COUNT) break;
    }
    this.#forgetEnded();
    return found;
  }

  /** Whether a principal is shut out now. */
  covers(principal: ConnectionPrincipal): boolean {
    if (this.#untilMs.size === 0) return false;
    const nowMs = Date.now();
    return namesOf(principal).some((name) => (this.#untilMs.get(name) ?? 0) > nowMs);
  }

  #forgetEnded(): void {
    const nowMs = Date.now();
    for (const [name, untilMs] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(name);
  }
}

/** A revocation that holds for a user now. */
export interface StandingRevocation {
  readonly cause: RevocationCause;
  readonly kind: RevocationTarget['kind'];
  readonly untilMs: number;
}

/** Entries of the list that one look-up reads at most, latest first. */
const LOOK_BUDGET = 10_000;

/** A block that is in force, of a user or of a whole tenant. */
export interface StandingBlock {
  readonly target: Exclude<RevocationTarget, { kind: 'token' }>;
  /** Of the entry that began it. */
  readonly entryId: EntryId;
  readonly untilMs: number;
}

/**
 * The blocks in force, latest first.
 * @returns also whether the whole list was read: one look-up reads its latest entries, at most {@link LOOK_BUDGET}
 */
export async function standingBlocks(
  client: RedisClient,
  keys: Keyspace,
): Promise<{ readonly blocks: StandingBlock[]; readonly complete: boolean }> {
  const seen = new Set<string>();
  const blocks: StandingBlock[] = [];
  const nowMs = Date.now();
  let end = '+';
  for (let read = 0; read < LOOK_BUDGET; read += READ_COUNT) {
    const entries = await client.xrevrange(keys.revocations, end, '-', 'COUNT', READ_COUNT);
    for (const [entryId, flat] of entries) {
      end = `(${entryId}`;
      const { target: name, until } = fieldsOf(flat);
      if (name === undefined || seen.has(name)) continue;
      seen.add(name);
      const target = targetOf(name);
      if (target === null || causeOf(flat) !== 'block' || Number(until) <= nowMs) continue;
      blocks.push({ target, entryId, untilMs: Number(until) });
    }
    if (entries.length < READ_COUNT) return { blocks, complete: true };
  }
  return { blocks, complete: false };
}

/** Of a name as {@link nameOf} writes it; `null` for one of a token. */
function targetOf(name: string): StandingBlock['target'] | null {
  const [kind, tenantId, userId] = JSON.parse(name) as string[];
  if (kind === 'tenant' && tenantId !== undefined) return { kind, tenantId };
  if (kind === 'user' && tenantId !== undefined && userId !== undefined) return { kind, tenantId, userId };
  return null;
}

function causeOf(flat: readonly string[]): RevocationCause {
  return flat[flat.indexOf('cause') + 1] === 'block' ? 'block' : 'revocation';
}

/** What shuts a user out now, as far as it is not of one token alone. */
export async function standingRevocation(
  client: RedisClient,
  keys: Keyspace,
  { tenantId, userId }: { readonly tenantId: string; readonly userId: string },
): Promise<StandingRevocation | null> {
  const kinds = new Map<string, RevocationTarget['kind']>([
    [nameOf({ kind: 'user', tenantId, userId }), 'user'],
    [nameOf({ kind: 'tenant', tenantId }), 'tenant'],
  ]);
  const nowMs = Date.now();
  let end = '+';
  for (let read = 0; read < LOOK_BUDGET; read += READ_COUNT) {
    const entries = await client.xrevrange(keys.revocations, end, '-', 'COUNT', READ_COUNT);
    for (const [entryId, flat] of entries) {
      end = `(${entryId}`;
      const { target = '', until } = fieldsOf(flat);
      const kind = kinds.get(target);
      if (kind === undefined) continue;
      // A later entry for a target takes the place of an earlier one.
      kinds.delete(target);
      if (Number(until) > nowMs) {
        return { cause: causeOf(flat), kind, untilMs: Number(until) };
      }
    }
    if (entries.length < READ_COUNT) break;
  }
  return null;
}
