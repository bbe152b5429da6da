import { ENTRY_ID_ZERO, type EntryId } from '@rejoin/protocol';
import { GROUP, loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';

/** What Redis knows of a partition in one moment. */
export interface PartitionSample {
  readonly partition: number;
  /** By Redis' clock, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** Entries of the event stream. */
  readonly length: number;
  readonly last: EntryId | null;
  /** Entries ever added to the event stream, where Redis counts them. */
  readonly added: number | null;
  readonly handled: number;
  readonly done: EntryId;
  readonly floor: EntryId;
  readonly feed: {
    readonly length: number;
    readonly bytes: number;
    readonly first: EntryId | null;
    readonly last: EntryId | null;
  };
  /** `null` where the consumer group does not exist. */
  readonly group: {
    readonly pending: number;
    /** Redis' own figure. `null` where Redis does not know; wrong in some versions. */
    readonly lag: number | null;
    readonly oldestWaiting: EntryId | null;
    readonly oldestPending: EntryId | null;
  } | null;
  readonly lease: { readonly token: string; readonly expiresInMs: number } | null;
  readonly owner: string | null;
  readonly full: string | null;
  readonly dead: number;
  readonly parked: number;
  readonly paused: { readonly reason: string; readonly by?: string; readonly remainingMs: number } | null;
}

const script = loadScript('partition-sample', import.meta.url);

/** Looks at one partition. See `partition-sample.lua`. */
export async function samplePartition(client: RedisClient, k: PartitionKeys): Promise<PartitionSample> {
  const keys = [k.events, k.feed, k.done, k.floor, k.lease, k.owner, k.handled, k.feedBytes, k.full];
  const flat = (await script.run(client, [...keys, k.deadOrder, k.parkedOrder, k.paused], [GROUP])) as string[];
  const fields = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
  const text = (name: string): string | null => fields.get(name) ?? null;
  const number = (name: string): number => Number(fields.get(name) ?? 0);
  const optional = (name: string): number | null => (fields.has(name) ? number(name) : null);
  return {
    partition: k.partition,
    atMs: number('now'),
    length: number('length'),
    last: text('last'),
    added: optional('added'),
    handled: number('handled'),
    done: text('done') ?? ENTRY_ID_ZERO,
    floor: text('floor') ?? ENTRY_ID_ZERO,
    feed: {
      length: number('feedLength'),
      bytes: number('feedBytes'),
      first: text('feedFirst'),
      last: text('feedLast'),
    },
    group: fields.has('delivered')
      ? {
          pending: number('pending'),
          lag: optional('redisLag'),
          oldestWaiting: text('oldestWaiting'),
          oldestPending: text('oldestPending'),
        }
      : null,
    ...leaseOf(text('lease'), number('leaseMs'), text('owner')),
    full: text('full'),
    dead: number('dead'),
    parked: number('parked'),
    paused: pauseOf(text('paused'), number('pausedMs')),
  };
}

/** The owner's name counts only together with the lease that it was written with. */
function leaseOf(token: string | null, expiresInMs: number, owner: string | null) {
  if (token === null) return { lease: null, owner: null };
  const isOwners = owner?.startsWith(`${token} `) ?? false;
  return { lease: { token, expiresInMs }, owner: isOwners ? (owner as string).slice(token.length + 1) : null };
}

function pauseOf(text: string | null, remainingMs: number): PartitionSample['paused'] {
  if (text === null) return null;
  return { ...(JSON.parse(text) as { reason: string; by?: string }), remainingMs };
}
