import type { EntryId } from '@rejoin/protocol';
import { type Keyspace, type RedisClient, reconnectDelayMs } from '@rejoin/redis';
import { BlockingConnection, pause } from '@rejoin/streams';
import { type FeedEntry, parseFeedEntry } from './feed-entry.ts';
import { HistoryCheck } from './history-check.ts';
import { lanesOf } from './lanes.ts';

/** What the tail tells its owner; every call is made in the turn in which the position moves. */
export interface TailListener {
  /** Entries of one partition, in order. */
  onEntries(partition: number, entries: readonly FeedEntry[]): void;
  /**
   * The tail may have missed entries of this partition, or its history broke: whoever followed it must resume. The
   * tail itself goes on from `position(partition)`.
   */
  onHole(partition: number, reason: HoleReason): void;
  /** A read failed; it is repeated after a pause. Called once per failure. */
  onError(error: Error): void;
}

/**
 * - `predecessor`: an entry's predecessor is not the entry before it here.
 * - `history`: what the tail holds is gone, or the partition's epoch changed.
 */
export type HoleReason = 'predecessor' | 'history';

export interface TailOptions {
  /** For short commands. */
  readonly client: RedisClient;
  /** Makes a connection for blocking reads; the tail closes it. */
  connectBlocking(): RedisClient;
  readonly keys: Keyspace;
  readonly partitions: readonly number[];
  readonly listener: TailListener;
  /** Longest wait of one read, in milliseconds; 1,000 by default. */
  readonly blockMs?: number;
}

/** Entries per feed and read. */
const READ_COUNT = 1_000;
/** How long beyond its block time a read may stay unanswered before its connection is replaced. */
const WATCHDOG_GRACE_MS = 3_000;
/** How often the position is checked against Redis while reads succeed. */
const VERIFY_INTERVAL_MS = 1_000;

interface Position {
  entryId: EntryId;
  epoch: string;
}

type StreamReply = [key: Buffer, entries: [id: Buffer, fields: Buffer[]][]][] | null;

/**
 * Follows the feeds of all partitions without silent holes: it starts from concrete entry IDs, demands of every entry that
 * its predecessor is the entry before it, and checks after every reconnection and every second or two that the entry it stands
 * on still exists.
 */
export class FeedTail {
  readonly #options: TailOptions;
  readonly #blockMs: number;
  readonly #positions = new Map<number, Position>();
  readonly #stopped = new AbortController();
  readonly #lanes: Lane[] = [];
  #loops: Promise<void>[] = [];

  constructor(options: TailOptions) {
    this.#options = options;
    this.#blockMs = options.blockMs ?? 1_000;
  }

  /** Resolves when every partition has a position, from which on nothing is missed. */
  async start(): Promise<void> {
    const { client, partitions } = this.#options;
    await Promise.all(
      partitions.map(async (partition) => {
        const { epoch, feedLast } = await this.#check(partition).verify();
        this.#positions.set(partition, { entryId: feedLast, epoch });
      }),
    );
    for (const lane of lanesOf(client, partitions)) this.#lanes.push(new Lane(lane, this.#options.connectBlocking));
    this.#loops = this.#lanes.map((lane) => this.#follow(lane));
  }

  /** Ends reading. Idempotent; resolves when no listener will be called any more. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const lane of this.#lanes) lane.connection.close();
    await Promise.all(this.#loops);
  }

  /** The entry up to which everything was handed to the listener. */
  position(partition: number): EntryId {
    return this.#at(partition).entryId;
  }

  /** The epoch to which positions and entries belong. */
  epoch(partition: number): string {
    return this.#at(partition).epoch;
  }

  /** Whether the last read of every lane succeeded, within its time. */
  get ready(): boolean {
    return this.#lanes.length > 0 && this.#lanes.every((lane) => lane.healthy);
  }

  /** Checks a partition's position now; for an owner who saw an epoch that is not the tail's. */
  async verify(partition: number): Promise<void> {
    const position = this.#at(partition);
    const { entryId, epoch } = position;
    const history = await this.#check(partition).verify(entryId, epoch);
    // Another check may have moved it meanwhile.
    if (history.intact || position.epoch !== epoch) return;
    position.epoch = history.epoch;
    position.entryId = history.feedLast;
    this.#options.listener.onHole(partition, 'history');
  }

  #check(partition: number): HistoryCheck {
    return new HistoryCheck(this.#options.client, this.#options.keys.partition(partition));
  }

  #at(partition: number): Position {
    const position = this.#positions.get(partition);
    if (!position) throw new RangeError(`partition ${partition} is not tailed`);
    return position;
  }

  async #follow(lane: Lane): Promise<void> {
    let verifyAt = performance.now() + VERIFY_INTERVAL_MS;
    let failures = 0;
    while (!this.#stopped.signal.aborted) {
      try {
        if (!lane.healthy || performance.now() >= verifyAt) {
          await Promise.all(lane.partitions.map((partition) => this.verify(partition)));
          verifyAt = performance.now() + VERIFY_INTERVAL_MS;
        }
        const reply = await lane.connection.read(
          (client) => this.#read(client, lane),
          this.#blockMs + WATCHDOG_GRACE_MS,
        );
        lane.healthy = true;
        failures = 0;
        if (reply && !this.#stopped.signal.aborted) this.#deliver(lane, reply);
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#options.listener.onError(error as Error);
        lane.healthy = false;
        await pause(reconnectDelayMs(failures++), this.#stopped.signal);
      }
    }
  }

  #read(client: RedisClient, lane: Lane): Promise<StreamReply> {
    const feeds = lane.partitions.map((partition) => this.#options.keys.partition(partition).feed);
    const ids = lane.partitions.map((partition) => this.position(partition));
    return client.xreadBuffer(
      'COUNT',
      READ_COUNT,
      'BLOCK',
      this.#blockMs,
      'STREAMS',
      ...feeds,
      ...ids,
    ) as Promise<StreamReply>;
  }

  #deliver(lane: Lane, reply: NonNullable<StreamReply>): void {
    const byFeed = new Map(
      lane.partitions.map((partition) => [this.#options.keys.partition(partition).feed, partition]),
    );
    for (const [feed, raw] of reply) {
      const partition = byFeed.get(feed.toString());
      if (partition !== undefined) this.#advance(partition, raw);
    }
  }

  #advance(partition: number, raw: readonly [Buffer, Buffer[]][]): void {
    const position = this.#at(partition);
    let entries: FeedEntry[] = [];
    const flush = (): void => {
      if (entries.length > 0) this.#options.listener.onEntries(partition, entries);
      entries = [];
    };
    for (const [id, fields] of raw) {
      const entry = parseFeedEntry(id, fields);
      const { entryId } = entry;
      if (entry.predecessor !== position.entryId) {
        flush();
        position.entryId = entryId;
        this.#options.listener.onHole(partition, 'predecessor');
        continue;
      }
      position.entryId = entryId;
      entries.push(entry);
    }
    flush();
  }
}

/** The partitions that one blocking connection reads, and whether it does. */
class Lane {
  readonly partitions: readonly number[];
  readonly connection: BlockingConnection;
  /** Whether the last read succeeded, within its time. */
  healthy = true;

  constructor(partitions: readonly number[], connectBlocking: () => RedisClient) {
    this.partitions = partitions;
    this.connection = new BlockingConnection(connectBlocking);
  }
}
