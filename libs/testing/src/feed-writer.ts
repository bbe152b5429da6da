import { FanOut, type FanOutItem, type FanOutOptions } from '@rejoin/feed';
import { ENTRY_ID_ZERO, type EntryId } from '@rejoin/protocol';
import { CONSUMER, GROUP, type PartitionKeys, type RedisClient } from '@rejoin/redis';
import { eventDigest } from '@rejoin/streams';

export interface WrittenEvent {
  readonly id: string;
  readonly tenant?: string;
  readonly type?: string;
  /** As `roomOf` names them. */
  readonly rooms: readonly string[];
  readonly data?: unknown;
}

/** Brings events into a partition's feed the way a worker does, without one: for tests of what reads the feed. */
export class FeedWriter {
  readonly token = '1-test';
  readonly #client: RedisClient;
  readonly #keys: PartitionKeys;
  readonly #fanOut: FanOut;
  /** The entry before each one that was taken. */
  readonly #before = new Map<EntryId, EntryId>();
  #last: EntryId = ENTRY_ID_ZERO;

  private constructor(client: RedisClient, keys: PartitionKeys, options: Partial<FanOutOptions>) {
    this.#client = client;
    this.#keys = keys;
    this.#fanOut = new FanOut(client, keys, { windowMs: 86_400_000, maxPerRoom: 10_000, ...options });
  }

  static async open(
    client: RedisClient,
    keys: PartitionKeys,
    options: Partial<FanOutOptions> = {},
  ): Promise<FeedWriter> {
    const writer = new FeedWriter(client, keys, options);
    await client.set(keys.lease, writer.token);
    await client.xgroup('CREATE', keys.events, GROUP, '0', 'MKSTREAM');
    return writer;
  }

  /** Appends events and takes them into the pending entries list, as a worker that has them in hand; see `append`. */
  async take(events: readonly WrittenEvent[], atMs?: number): Promise<FanOutItem[]> {
    const items = await this.append(events, atMs);
    await this.#client.xreadgroup('GROUP', GROUP, CONSUMER, 'COUNT', events.length, 'STREAMS', this.#keys.events, '>');
    return items;
  }

  /**
   * Appends events to the event stream; nothing is fanned out yet.
   * @param atMs when they are to have been appended, which must not be before the last one; now by default
   */
  async append(events: readonly WrittenEvent[], atMs?: number): Promise<FanOutItem[]> {
    const entry = atMs === undefined ? '*' : `${atMs}-*`;
    const items: FanOutItem[] = [];
    for (const written of events) {
      const { id, tenant = 'acme', type = 'order.paid', rooms, data = {} } = written;
      const entryId = (await this.#client.xadd(this.#keys.events, entry, 'event', JSON.stringify({ id }))) as EntryId;
      this.#before.set(entryId, this.#last);
      this.#last = entryId;
      const event = JSON.stringify({ id, type, time: '2026-01-01T00:00:00Z', data });
      const digest = eventDigest(tenant, 'test', id);
      items.push({ kind: 'deliver', entryId, eventId: id, digest, tenant, rooms, type, event });
    }
    return items;
  }

  /** Fans out what was appended. */
  fanOut(items: readonly FanOutItem[]) {
    return this.#fanOut.run(this.token, this.before(items), items);
  }

  /** The entry behind which the items stand. */
  before([first]: readonly FanOutItem[]): EntryId {
    return (first && this.#before.get(first.entryId)) ?? ENTRY_ID_ZERO;
  }

  /** Appends and fans out; returns the entry IDs. */
  async write(events: readonly WrittenEvent[], atMs?: number): Promise<EntryId[]> {
    const ids: EntryId[] = [];
    for (let i = 0; i < events.length; i += 200) {
      const items = await this.append(events.slice(i, i + 200), atMs);
      await this.fanOut(items);
      ids.push(...items.map(({ entryId }) => entryId));
    }
    return ids;
  }
}
