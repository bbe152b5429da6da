import { partitionOf } from '@rejoin/protocol';
import type { Installation, Keyspace, RedisClient } from '@rejoin/redis';
import { cancelScheduled, eventDigest, scheduleEvents } from '@rejoin/streams';
import { InvalidEventError, PublisherClosedError } from './errors.ts';
import { type AnyEvents, type EventInput, prepareEvent } from './event-input.ts';

/** What identifies a scheduled event. */
export interface ScheduledIdentity {
  readonly tenantid: string;
  readonly source: string;
  readonly id: string;
}

/** An event that is kept until it is due. */
export interface Scheduled {
  readonly eventId: string;
  readonly deliverAt: Date;
  /**
   * Whether it was accepted before: scheduled, perhaps for another time, which is then `deliverAt`; or published in the last
   * ten minutes.
   */
  readonly duplicate: boolean;
}

/**
 * Events that are published later. Until then an event has no place among the others of its tenant: it comes behind what was
 * published before it is due. Calls are not queued while Redis is away; each may be repeated with the same `id`.
 *
 * Both throw StreamUnavailableError, PublisherClosedError and PartitionCountMismatchError.
 */
export interface Schedules<Events extends object = AnyEvents> {
  /**
   * Keeps an event until it is due, which is at most a year ahead; one whose time has passed is due at once.
   * @throws InvalidEventError, EventTooLargeError: nothing was kept
   * @throws BacklogFullError nothing was kept: memory is short, or 100,000 events of the partition are scheduled
   */
  add(event: EventInput<Events>, deliverAt: Date): Promise<Scheduled>;
  /** Takes an event away before it is due; says whether it was there. Works while Redis' memory is full. */
  cancel(event: ScheduledIdentity): Promise<boolean>;
}

/** How far ahead an event may be scheduled. */
const MAX_AHEAD_MS = 366 * 86_400_000;

export interface ScheduleAccess {
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly fillIdentity: boolean;
  open(): Promise<Installation>;
  isClosed(): boolean;
}

/** The scheduled events of a publisher's installation. */
export class PublisherSchedules<Events extends object> implements Schedules<Events> {
  readonly #access: ScheduleAccess;

  constructor(access: ScheduleAccess) {
    this.#access = access;
  }

  async add(event: EventInput<Events>, deliverAt: Date): Promise<Scheduled> {
    const dueAtMs = deliverAt.getTime();
    if (!(dueAtMs <= Date.now() + MAX_AHEAD_MS)) {
      throw new InvalidEventError([{ path: 'deliverat', message: 'must be a time at most a year ahead' }]);
    }
    // The event is of the time at which it is published.
    const input = { ...event, time: event.time ?? deliverAt.toISOString() };
    const prepared = prepareEvent(input, this.#access.fillIdentity);
    const keys = await this.#keysOf(prepared.tenantId);
    const [scheduled] = await scheduleEvents(this.#access.client, keys, [{ ...prepared, dueAtMs }]);
    const isKept = scheduled?.kind === 'scheduled';
    return {
      eventId: prepared.eventId,
      deliverAt: isKept ? new Date(scheduled.dueAtMs) : deliverAt,
      duplicate: !isKept || scheduled.isDuplicate,
    };
  }

  async cancel({ tenantid, source, id }: ScheduledIdentity): Promise<boolean> {
    return cancelScheduled(this.#access.client, await this.#keysOf(tenantid), eventDigest(tenantid, source, id));
  }

  async #keysOf(tenantId: string) {
    if (this.#access.isClosed()) throw new PublisherClosedError('the publisher is closed');
    const { partitions } = await this.#access.open();
    return this.#access.keys.partition(partitionOf(tenantId, partitions));
  }
}
