import { Injectable } from '@nestjs/common';
import type { ClientEvent, EntryId } from '@rejoin/protocol';
import { roomOf } from '@rejoin/protocol';
import { BacklogFullError, type Publisher, StreamUnavailableError } from '@rejoin/publisher';
import type { RedisClient } from '@rejoin/redis';
import { type ConnectionPrincipal, RefusedError, ResumableGateway } from '@rejoin/socketio';

export interface NotificationPage {
  /** Newest first, as far back as the replay window. */
  readonly items: readonly { readonly event: ClientEvent; readonly read: boolean }[];
  /** What `before` of the next page is; `null` where nothing is left. */
  readonly next: EntryId | null;
  /** Unread ones among the newest, and whether older ones were not looked at. */
  readonly unread: number;
  readonly unreadIsAtLeast: boolean;
}

interface Page {
  readonly events: readonly ClientEvent[];
  readonly readIds: ReadonlySet<string>;
  readonly next: EntryId | null;
}

const READ_EVENT = 'notification.read';
const TYPE_PREFIX = 'notification.';
/** How many of the newest notifications are counted for `unread`. */
const COUNTED = 200;
/** Most marks that are kept for one user. */
const MAX_MARKS = 10_000;

/** Pages of the room that one list looks at, at most. */
const MAX_ROUNDS = 4;

/**
 * A user's notifications: read from what the user's room has seen, with the marks of those that were read.
 *
 * That something was read is an event first and a mark second: the events in the room are what every device sees, live or
 * after a resume, so a list believes them too. A gateway that is killed in between, or a mark that cannot be written, then
 * changes nothing of what the devices agree on.
 */
@Injectable()
export class NotificationInbox {
  readonly #gateway: ResumableGateway;
  readonly #client: RedisClient;
  readonly #publisher: Publisher;
  readonly #windowMs: number;

  constructor(gateway: ResumableGateway, client: RedisClient, publisher: Publisher, windowMs: number) {
    this.#gateway = gateway;
    this.#client = client;
    this.#publisher = publisher;
    this.#windowMs = windowMs;
  }

  async list(
    principal: ConnectionPrincipal,
    { limit, before }: { readonly limit: number; readonly before?: EntryId },
  ): Promise<NotificationPage> {
    const [page, newest] = await Promise.all([
      this.#page(principal, limit, before),
      this.#page(principal, COUNTED, undefined),
    ]);
    const marks = await this.#marksOf(principal, [...page.events, ...newest.events]);
    const isRead = ({ id }: ClientEvent): boolean => newest.readIds.has(id) || page.readIds.has(id) || marks.has(id);
    return {
      items: page.events.map((event) => ({ event, read: isRead(event) })),
      next: page.next,
      unread: newest.events.filter((event) => !isRead(event)).length,
      unreadIsAtLeast: newest.next !== null,
    };
  }

  /** Marks notifications as read, and tells every device of the user. Marking one twice is no error. */
  async markRead(principal: ConnectionPrincipal, ids: readonly string[]): Promise<{ readonly ids: readonly string[] }> {
    const distinct = [...new Set(ids)];
    await this.#tellDevices(principal, distinct);
    await this.#mark(principal, distinct);
    return { ids: distinct };
  }

  async #tellDevices(principal: ConnectionPrincipal, ids: readonly string[]): Promise<void> {
    try {
      await this.#publisher.publish({
        source: '/rejoin/notifications',
        type: READ_EVENT,
        tenantid: principal.tenantId,
        audience: `user:${principal.userId}`,
        data: { userId: principal.userId, ids },
      });
    } catch (cause) {
      if (cause instanceof BacklogFullError || cause instanceof StreamUnavailableError) {
        throw new RefusedError('OVERLOADED', 'the other devices cannot be told now', { retryAfterMs: 1_000, cause });
      }
      throw cause;
    }
  }

  /** Marks outlive the events that say the same. */
  async #mark(principal: ConnectionPrincipal, ids: readonly string[]): Promise<void> {
    const key = this.#marks(principal);
    const now = Date.now();
    const replies = await this.#client
      .multi()
      .zadd(key, ...ids.flatMap((id) => [now, id]))
      .zremrangebyrank(key, 0, -MAX_MARKS - 1)
      .pexpire(key, this.#windowMs)
      .exec();
    for (const [error] of replies ?? []) if (error) throw error;
  }

  /** So many notifications, and what events between them and the newest say was read. */
  async #page({ tenantId, userId }: ConnectionPrincipal, limit: number, before: EntryId | undefined): Promise<Page> {
    const user = { kind: 'user', id: userId } as const;
    const events: ClientEvent[] = [];
    const readIds = new Set<string>();
    let next: EntryId | null = before ?? null;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const found = await this.#gateway.history.page(tenantId, user, {
        limit: limit - events.length,
        typePrefix: TYPE_PREFIX,
        ...(next === null ? {} : { before: next }),
      });
      for (const { type, event } of found.entries) {
        const parsed = JSON.parse(event.toString()) as ClientEvent;
        if (type !== READ_EVENT) events.push(parsed);
        else for (const id of idsOf(parsed)) readIds.add(id);
      }
      next = found.next;
      if (next === null || events.length >= limit) break;
    }
    return { events, readIds, next };
  }

  async #marksOf(principal: ConnectionPrincipal, events: readonly ClientEvent[]): Promise<ReadonlySet<string>> {
    const ids = [...new Set(events.map(({ id }) => id))];
    if (ids.length === 0) return new Set();
    const scores = await this.#client.zmscore(this.#marks(principal), ...ids);
    return new Set(ids.filter((_, index) => scores[index] !== null));
  }

  #marks({ tenantId, userId }: Pick<ConnectionPrincipal, 'tenantId' | 'userId'>): string {
    return this.#gateway.history.keysOf(tenantId).read(roomOf(tenantId, { kind: 'user', id: userId }));
  }
}

/** The notifications that an event says were read; another publisher's may have any form. */
function idsOf({ data }: ClientEvent): readonly string[] {
  const ids: unknown = (data as { readonly ids?: unknown } | null | undefined)?.ids;
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}
