import { GroupDirectory } from '@rejoin/audience';
import { formatCursor, partitionOf } from '@rejoin/protocol';
import {
  connect,
  disconnect,
  type Installation,
  type Keyspace,
  keyspace,
  openInstallation,
  PartitionCountMismatchError,
  type RedisClient,
} from '@rejoin/redis';
import { type Appended, appendEvents, StreamUnavailableError } from '@rejoin/streams';
import { Availability } from './availability.ts';
import { BatchIncompleteError, PublisherClosedError, PublisherOverloadedError } from './errors.ts';
import { type AnyEvents, type EventInput, type PreparedEvent, prepareBatch, prepareEvent } from './event-input.ts';
import { type Groups, PublisherGroups } from './groups.ts';
import { Lane, type Run, type Settle } from './lane.ts';
import { type PublisherOptions, type PublisherSettings, settingsOf } from './options.ts';
import { type Batch, PendingEvent } from './pending-event.ts';
import type { Published } from './published.ts';
import { PublisherSchedules, type Schedules } from './schedules.ts';

/** Publishes domain events. Events of one tenant are appended in the order of the calls. */
export interface Publisher<Events extends object = AnyEvents> {
  /**
   * Resolves once Redis holds the event. Events published in one turn, or while others of their partition are under way,
   * are sent together.
   * @throws InvalidEventError, EventTooLargeError, PublisherOverloadedError, PublisherClosedError: nothing was sent
   * @throws BacklogFullError nothing was appended
   * @throws StreamUnavailableError the event may have been appended; repeat it with the same `id`
   * @throws PartitionCountMismatchError
   */
  publish(event: EventInput<Events>): Promise<Published>;
  /**
   * Publishes events in their order, validating all of them before any is sent. Where one fails, later ones of its tenant
   * are not sent either; those of tenants in other partitions are.
   * @returns one result for each event, in their order
   * @throws BatchIncompleteError where some were accepted; where none was, what `publish` throws
   */
  publishBatch(events: readonly EventInput<Events>[]): Promise<Published[]>;
  /** Who is in which group. */
  readonly groups: Groups;
  /** Events that are published later. */
  readonly schedules: Schedules<Events>;
  /**
   * Finds the installation now, instead of with the first event.
   * @throws StreamUnavailableError, PartitionCountMismatchError
   */
  open(): Promise<Installation>;
  /**
   * Takes no more events, waits until the accepted ones are settled, at most `closeTimeoutMs`, and rejects the rest with
   * PublisherClosedError. Closes the connection where the publisher made it. Repeated calls return the first one's promise.
   */
  close(): Promise<void>;
}

/** @throws InvalidRedisUrlError, RangeError for options that make no sense */
export function createPublisher<Events extends object = AnyEvents>(options: PublisherOptions): Publisher<Events> {
  return new RedisPublisher<Events>(settingsOf(options));
}

class RedisPublisher<Events extends object> implements Publisher<Events> {
  readonly groups: Groups;
  readonly schedules: Schedules<Events>;
  readonly #settings: PublisherSettings;
  readonly #keys: Keyspace;
  readonly #client: RedisClient;
  readonly #ownsClient: boolean;
  readonly #availability: Availability;
  /** Events whose partition is not known, because the installation is not. */
  readonly #unrouted: Lane;
  #lanes: readonly Lane[] = [];
  #installation: { readonly losses: number; readonly opened: Promise<Installation> } | undefined;
  #queuedEvents = 0;
  #queuedBytes = 0;
  #closing: Promise<void> | undefined;
  #whenDrained: (() => void) | undefined;
  readonly #onSettled = ({ prepared }: PendingEvent, error?: Error): void => {
    if (error) this.#settings.listener.onFailed?.();
    this.#queuedEvents -= 1;
    this.#queuedBytes -= prepared.bytes;
    if (this.#queuedEvents === 0) this.#whenDrained?.();
  };

  constructor(settings: PublisherSettings) {
    this.#settings = settings;
    this.#keys = keyspace(settings.prefix);
    this.#ownsClient = typeof settings.redis === 'string';
    this.#client =
      typeof settings.redis === 'string'
        ? connect({
            url: settings.redis,
            use: 'commands',
            name: `${settings.prefix}:publisher`,
            // The publisher's own bound comes first and replaces the connection.
            commandTimeoutMs: 2 * settings.commandTimeoutMs,
            onError: settings.onConnectionError,
          })
        : settings.redis;
    this.#availability = new Availability(this.#client);
    this.groups = new PublisherGroups(
      async () => new GroupDirectory(this.#client, this.#keys, (await this.#open()).partitions),
      () => this.#closing !== undefined,
    );
    this.schedules = new PublisherSchedules<Events>({
      client: this.#client,
      keys: this.#keys,
      fillIdentity: settings.fillIdentity,
      open: () => this.#open(),
      isClosed: () => this.#closing !== undefined,
    });
    this.#unrouted = this.#lane(async (events) => {
      await this.#open();
      for (const event of events) this.#laneOf(event.prepared).push(event);
      // Their lanes settle them.
      return () => undefined;
    });
  }

  async publish(event: EventInput<Events>): Promise<Published> {
    const prepared = prepareEvent(event, this.#settings.fillIdentity);
    this.#admit(1, prepared.bytes);
    return this.#enqueue(prepared, undefined);
  }

  async publishBatch(events: readonly EventInput<Events>[]): Promise<Published[]> {
    const prepared = prepareBatch(events, this.#settings.fillIdentity);
    this.#admit(
      prepared.length,
      prepared.reduce((bytes, event) => bytes + event.bytes, 0),
    );
    const batches = new Map<string, Batch>();
    const results = await Promise.allSettled(
      prepared.map((event) => {
        let batch = batches.get(event.tenantId);
        if (!batch) {
          batch = { failure: undefined };
          batches.set(event.tenantId, batch);
        }
        return this.#enqueue(event, batch);
      }),
    );
    const published = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failure = results.find((result) => result.status === 'rejected');
    if (!failure) return published;
    if (published.length === 0) throw failure.reason;
    throw new BatchIncompleteError(results, published.length, failure.reason);
  }

  open(): Promise<Installation> {
    return this.#open();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#queuedEvents > 0) await this.#drained();
    const reason = new PublisherClosedError('the publisher was closed before Redis confirmed the event');
    for (const lane of [this.#unrouted, ...this.#lanes]) lane.abandon(reason);
    this.#availability.release();
    if (this.#ownsClient) disconnect(this.#client);
  }

  /** Resolves when every accepted event is settled, or the time to close is over. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#settings.closeTimeoutMs);
      this.#whenDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Takes room in the queue for events that are enqueued next, in the same turn. */
  #admit(events: number, bytes: number): void {
    if (this.#closing) throw new PublisherClosedError('the publisher is closed');
    const { maxQueuedEvents, maxQueuedBytes } = this.#settings;
    if (this.#queuedEvents + events > maxQueuedEvents || this.#queuedBytes + bytes > maxQueuedBytes) {
      throw new PublisherOverloadedError(
        `${this.#queuedEvents} events of ${this.#queuedBytes} bytes wait to be sent; ` +
          `at most ${maxQueuedEvents} of ${maxQueuedBytes} bytes may`,
      );
    }
    this.#queuedEvents += events;
    this.#queuedBytes += bytes;
  }

  #enqueue(prepared: PreparedEvent, batch: Batch | undefined): Promise<Published> {
    const event = new PendingEvent(prepared, batch, performance.now() + this.#settings.waitMs, this.#onSettled);
    const lane = this.#lanes.length > 0 && this.#unrouted.idle ? this.#laneOf(prepared) : this.#unrouted;
    lane.push(event);
    return event.outcome;
  }

  #laneOf({ tenantId }: PreparedEvent): Lane {
    return this.#lanes[partitionOf(tenantId, this.#lanes.length)] as Lane;
  }

  #lane(run: Run): Lane {
    return new Lane(run, this.#availability, { waits: this.#settings.waitMs > 0 });
  }

  /** The installation, looked up again where the connection was lost since: another Redis may answer now. */
  #open(): Promise<Installation> {
    const { losses } = this.#availability;
    if (this.#installation?.losses !== losses) {
      const opened = this.#openInstallation();
      this.#installation = { losses, opened };
      opened.catch(() => {
        // Whoever awaits it is told; the next one tries anew.
        if (this.#installation?.opened === opened) this.#installation = undefined;
      });
    }
    return (this.#installation as { opened: Promise<Installation> }).opened;
  }

  async #openInstallation(): Promise<Installation> {
    // Events are queued by partition already: a count that was once found may not change any more.
    const partitions = this.#lanes.length > 0 ? this.#lanes.length : this.#settings.partitions;
    let installation: Installation;
    try {
      installation = await this.#inTime(openInstallation(this.#client, this.#keys, partitions));
    } catch (error) {
      if (error instanceof PartitionCountMismatchError || error instanceof StreamUnavailableError) throw error;
      throw StreamUnavailableError.from('the installation cannot be read', error);
    }
    if (this.#lanes.length === 0) {
      this.#lanes = Array.from({ length: installation.partitions }, (_, partition) =>
        this.#lane((events) => this.#append(partition, events)),
      );
    }
    return installation;
  }

  async #append(partition: number, events: readonly PendingEvent[]): Promise<Settle> {
    await this.#open();
    const prepared = events.map((event) => event.prepared);
    const keys = this.#keys.partition(partition);
    const appended = await this.#inTime(appendEvents(this.#client, keys, prepared, this.#settings.maxBacklog));
    const epoch = appended.epoch ?? (await this.#missingEpoch(partition));
    return () => {
      for (const [index, event] of events.entries()) {
        const { entryId, duplicate } = appended.events[index] as (typeof appended.events)[number];
        event.resolve({
          id: entryId,
          eventId: event.prepared.eventId,
          cursor: formatCursor({ epoch, partition, entryId }),
          partition,
          duplicate,
        });
      }
      this.#tellAppended(partition, events, appended);
    };
  }

  #tellAppended(partition: number, events: readonly PendingEvent[], appended: Appended): void {
    const { listener, waitMs } = this.#settings;
    const [first] = events;
    if (!listener.onAppended || !first) return;
    listener.onAppended({
      events: events.length,
      duplicates: appended.events.filter(({ duplicate }) => duplicate).length,
      durationMs: performance.now() - (first.deadline - waitMs),
      partition,
      traces: events.flatMap(({ prepared: { traceparent } }, index) =>
        traceparent === undefined ? [] : [{ traceparent, entryId: appended.events[index]?.entryId ?? '' }],
      ),
    });
  }

  /** Redis lost its data while the connection stood (`FLUSHALL`): begins the installation anew. */
  async #missingEpoch(partition: number): Promise<string> {
    this.#installation = undefined;
    await this.#open();
    const epoch = await this.#inTime(this.#client.get(this.#keys.partition(partition).epoch));
    if (epoch === null) {
      throw new StreamUnavailableError(`partition ${partition} has no epoch`, { retryable: true });
    }
    return epoch;
  }

  /** Bounds an answer of Redis, and replaces a connection of our own that gave none. */
  async #inTime<Value>(answer: Promise<Value>): Promise<Value> {
    const { commandTimeoutMs } = this.#settings;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new StreamUnavailableError(`no answer of Redis within ${commandTimeoutMs} ms`, { retryable: true }));
        if (this.#ownsClient && !this.#closing) this.#client.disconnect(true);
      }, commandTimeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
