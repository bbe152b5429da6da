import { type ReplayPage, type ReplayRoom, type ReplayStart, readReplayPage } from '@rejoin/feed';
import { type EntryId, formatCursor, type GapReason, laterEntryId, type ReplayReport } from '@rejoin/protocol';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import type { Connection } from './connection.ts';
import { FairQueue } from './fair-queue.ts';
import { EncodedPacket } from './packet.ts';

/** One page: small enough that its script holds Redis for well under a millisecond. */
const PAGE = { maxEntries: 128, maxBytes: 256 * 1024 } as const;
/** Pages that are read and written at once; more would only hold more memory. */
const CONCURRENT_PAGES = 32;
/** How many times what is still free one tenant may have. */
const FREE_MULTIPLE = 4;

export interface ReplayRequest {
  readonly start: ReplayStart;
  /** The client's cursor as it came, for a gap's report. */
  readonly from: string | null;
  readonly epoch: string;
}

/**
 * Writes to a connection what it missed, in order, each once, and ends with the connection live. Pages are read a few at a
 * time, and tenants take turns.
 */
export class Replayer {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #pages = new FairQueue(CONCURRENT_PAGES);
  readonly #maxReplays: number;
  readonly #byTenant = new Map<string, number>();
  #waiting = 0;

  /** @param maxReplays connections that may be replayed to, or wait for it */
  constructor(client: RedisClient, keys: Keyspace, maxReplays: number) {
    this.#client = client;
    this.#keys = keys;
    this.#maxReplays = maxReplays;
  }

  /** Connections that are being replayed to. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Whether one more client of a tenant may be replayed to: where its tenant has no more than four times what is still free.
   * So a tenant alone gets four fifths of all places, and however many of its clients come back, another's find some.
   * @see https://doi.org/10.1109/90.664262 (Choudhury and Hahne: dynamic queue length thresholds)
   */
  admits(tenantId: string): boolean {
    const free = this.#maxReplays - this.#waiting;
    return free > 0 && (this.#byTenant.get(tenantId) ?? 0) < FREE_MULTIPLE * free;
  }

  /**
   * Resolves when the connection is live, to what it was told, or gone, to `null`. The connection must be in its rooms
   * already, so that whatever a page does not contain reaches its queue.
   * @throws what Redis throws; the connection is then still replaying, and its client must come back
   */
  async run(connection: Connection, request: ReplayRequest): Promise<ReplayReport | null> {
    const { tenantId } = connection.principal;
    this.#count(tenantId, 1);
    try {
      return await this.#run(connection, request);
    } finally {
      this.#count(tenantId, -1);
    }
  }

  #count(tenantId: string, change: 1 | -1): void {
    this.#waiting += change;
    const count = (this.#byTenant.get(tenantId) ?? 0) + change;
    if (count > 0) this.#byTenant.set(tenantId, count);
    else this.#byTenant.delete(tenantId);
  }

  async #run(connection: Connection, { start, from, epoch }: ReplayRequest): Promise<ReplayReport | null> {
    const { partition } = connection;
    const cursorOf = (entryId: EntryId): string => formatCursor({ epoch, partition, entryId });
    let gap = start.gap;
    let oldest = start.oldest;
    while (connection.state === 'replaying') {
      const after = connection.cursor;
      const page = await this.#pages.run(connection.principal.tenantId, () =>
        this.#readInto(connection, after, cursorOf),
      );
      // What is trimmed while the replay lasts is missed as well.
      if (page.cut !== null) {
        gap ??= 'room_limit';
        oldest = laterEntryId(oldest, page.cut);
      }
      if (page.missing > 0) {
        gap ??= 'payload_missing';
        oldest = laterEntryId(oldest, page.upTo);
      }
      if (page.complete) {
        let told: ReplayReport | null = null;
        const isLive = connection.goLive((count) => {
          told = report(gap, count, from, cursorOf(oldest));
          return told;
        });
        if (isLive) return told;
      }
      await connection.drained();
    }
    return null;
  }

  async #readInto(connection: Connection, after: EntryId, cursorOf: (entryId: EntryId) => string) {
    const page = await this.#read(connection, after);
    for (const { entryId, type, event } of page.entries) {
      connection.replay(entryId, type, () => new EncodedPacket(type, event, cursorOf(entryId)));
    }
    connection.advance(page.upTo);
    return page;
  }

  /** Reads a page of the rooms that the connection has; what was read for others than it has then is thrown away. */
  async #read(connection: Connection, after: EntryId): Promise<ReplayPage> {
    const keys = this.#keys.partition(connection.partition);
    for (;;) {
      const rooms: ReplayRoom[] = [...connection.rooms].map(([room, since]) => ({ room, since }));
      const page = await readReplayPage(this.#client, keys, rooms, after, PAGE);
      const isCurrent =
        rooms.length === connection.rooms.size &&
        rooms.every(({ room, since }) => connection.rooms.get(room) === since);
      if (isCurrent) return page;
    }
  }
}

function report(gap: GapReason | null, count: number, from: string | null, oldest: string): ReplayReport {
  return gap === null ? { status: 'complete', count } : { status: 'gap', count, reason: gap, from, oldest };
}
