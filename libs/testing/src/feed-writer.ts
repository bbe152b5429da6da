import { FanOut, type FanOutItem, type FanOutOptions } from '@rejoin/feed';
import type { EntryId } from '@rejoin/protocol';
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

  /**
   * Appends events to the event stream and takes them as the group's consumer; nothing is fanned out yet.
   * @param atMs when they are to have been appended, which must not be before the last one; now by default
   */
  async take(events: readonly WrittenEvent[], atMs?: number): Promise<FanOutItem[]> {
    const entry = atMs === undefined ? '*' : `${atMs}-*`;
    const items: FanOutItem[] = [];
    for (const written of events) {
      const { id, tenant = 'acme', type = 'order.paid', rooms, data = {} } = written;
      const entryId = (await this.#client.xadd(this.#keys.events, entry, 'event', JSON.stringify({ id }))) as EntryId;
      const event = JSON.stringify({ id, type, time: '2026-01-01T00:00:00Z', data });
      items.push({ kind: 'deliver', entryId, digest: eventDigest(tenant, 'test', id), tenant, rooms, type, event });
    }
    await this.#client.xreadgroup('GROUP', GROUP, CONSUMER, 'COUNT', events.length, 'STREAMS', this.#keys.events, '>');
    return items;
  }

  /** Fans out what was taken. */
  fanOut(items: readonly FanOutItem[]) {
    return this.#fanOut.run(this.token, items);
  }

  /** Appends, takes and fans out; returns the entry IDs. */
  async write(events: readonly WrittenEvent[], atMs?: number): Promise<EntryId[]> {
    const ids: EntryId[] = [];
    for (let i = 0; i < events.length; i += 200) {
      const items = await this.take(events.slice(i, i + 200), atMs);
      await this.fanOut(items);
      ids.push(...items.map(({ entryId }) => entryId));
    }
    return ids;
  }
}
