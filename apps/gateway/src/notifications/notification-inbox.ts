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

const READ_EVENT = 'notification.read';
const TYPE_PREFIX = 'notification.';
/** How many of the newest notifications are counted for `unread`. */
const COUNTED = 200;
/** Most marks that are kept for one user. */
const MAX_MARKS = 10_000;

/** A user's notifications: read from what the user's room has seen, with the marks of those that were read. */
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
    return {
      items: page.items,
      next: page.next,
      unread: newest.items.filter(({ read }) => !read).length,
      unreadIsAtLeast: newest.next !== null,
    };
  }

  /** Marks notifications as read, and tells every device of the user. Marking one twice is no error. */
  async markRead(principal: ConnectionPrincipal, ids: readonly string[]): Promise<{ readonly ids: readonly string[] }> {
    const distinct = [...new Set(ids)];
    const key = this.#marks(principal);
    const now = Date.now();
    const [[error] = [null]] =
      (await this.#client
        .multi()
        .zadd(key, ...distinct.flatMap((id) => [now, id]))
        .zremrangebyrank(key, 0, -MAX_MARKS - 1)
        .pexpire(key, this.#windowMs)
        .exec()) ?? [];
    if (error) throw error;
    try {
      await this.#publisher.publish({
        source: '/rejoin/notifications',
        type: READ_EVENT,
        tenantid: principal.tenantId,
        audience: `user:${principal.userId}`,
        data: { userId: principal.userId, ids: distinct },
      });
    } catch (cause) {
      if (cause instanceof BacklogFullError || cause instanceof StreamUnavailableError) {
        throw new RefusedError('OVERLOADED', 'the other devices cannot be told now', { retryAfterMs: 1_000, cause });
      }
      throw cause;
    }
    return { ids: distinct };
  }

  async #page({ tenantId, userId }: ConnectionPrincipal, limit: number, before: EntryId | undefined) {
    const user = { kind: 'user', id: userId } as const;
    const found = await this.#gateway.history.page(tenantId, user, {
      limit,
      typePrefix: TYPE_PREFIX,
      ...(before === undefined ? {} : { before }),
    });
    const events = found.entries
      .filter(({ type }) => type !== READ_EVENT)
      .map(({ event }) => JSON.parse(event) as ClientEvent);
    const marks =
      events.length === 0
        ? []
        : await this.#client.zmscore(this.#marks({ tenantId, userId }), ...events.map(({ id }) => id));
    return {
      items: events.map((event, index) => ({ event, read: marks[index] !== null })),
      next: found.next,
    };
  }

  #marks({ tenantId, userId }: Pick<ConnectionPrincipal, 'tenantId' | 'userId'>): string {
    return this.#gateway.history.keysOf(tenantId).read(roomOf(tenantId, { kind: 'user', id: userId }));
  }
}
