import type { EntryId } from '@rejoin/protocol';
import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { BacklogFullError, StreamUnavailableError } from './append-errors.ts';

const script = loadScript('append', import.meta.url);

/** An event as the event stream stores it. */
export interface AppendableEvent {
  /** See `eventDigest`. */
  readonly digest: string;
  /** A CloudEvents 1.0 JSON object. It is not looked into. */
  readonly json: string;
}

export interface AppendedEvent {
  /** The entry that holds the event. */
  readonly entryId: EntryId;
  /** Whether it was there already: an event with this digest was appended less than ten minutes ago. */
  readonly duplicate: boolean;
}

export interface Appended {
  /** The partition's epoch in the moment of the append, or `null` where the installation was not opened (or is lost). */
  readonly epoch: string | null;
  /** One for each event, in their order. */
  readonly events: readonly AppendedEvent[];
}

/** Entries of one partition that may wait for fan-out, where the caller names no other bound. */
export const DEFAULT_MAX_BACKLOG = 1_000_000;

/**
 * Appends events to one partition in one atomic step, in their order and without another publisher's event between
 * them. All are appended, or none is.
 *
 * An event is answered as a duplicate, with the first one's entry ID, where its digest was appended within the last ten
 * minutes or stands twice among `events`. So a call whose reply was lost may be repeated.
 * @param maxBacklog most entries that may wait for fan-out in the partition afterwards
 * @throws BacklogFullError nothing was appended
 * @throws StreamUnavailableError nothing is known to have been appended
 */
export async function appendEvents(
  client: RedisClient,
  keys: PartitionKeys,
  events: readonly AppendableEvent[],
  maxBacklog: number = DEFAULT_MAX_BACKLOG,
): Promise<Appended> {
  const args: (string | number)[] = [maxBacklog];
  for (const { digest } of events) args.push(digest);
  for (const { json } of events) args.push(json);
  const scriptKeys = [keys.events, keys.seen, keys.seenBefore, keys.handled, keys.full, keys.epoch];
  let reply: readonly (string | number)[];
  try {
    reply = (await script.run(client, scriptKeys, args)) as (string | number)[];
  } catch (error) {
    throw appendError(keys.partition, error);
  }
  if (reply[0] === 'full') {
    throw new BacklogFullError(keys.partition, 'memory', `Redis is short of memory (${reply[1]})`);
  }
  if (reply[0] === 'backlog') {
    const detail = `${reply[1]} of at most ${maxBacklog} entries wait for fan-out`;
    throw new BacklogFullError(keys.partition, 'backlog', detail);
  }
  const [, epoch, ids, numbers] = reply as string[] as [string, string, string, string];
  const duplicates = new Set(numbers === '' ? [] : numbers.split(' ').map(Number));
  return {
    epoch: epoch === '' ? null : epoch,
    events: (ids === '' ? [] : ids.split(' ')).map((entryId, index) => ({
      entryId,
      duplicate: duplicates.has(index + 1),
    })),
  };
}

function appendError(partition: number, error: unknown): BacklogFullError | StreamUnavailableError {
  const { name, message } = error as Error;
  if (name === 'ReplyError' && message.startsWith('OOM')) {
    return new BacklogFullError(partition, 'memory', 'Redis is above its maxmemory', { cause: error });
  }
  return StreamUnavailableError.from(`partition ${partition} cannot be written`, error);
}
