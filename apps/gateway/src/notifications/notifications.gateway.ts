import { WebSocketGateway } from '@nestjs/websockets';
import { ClientCommand } from '@rejoin/nest';
import { isEntryId } from '@rejoin/protocol';
import type { CommandContext } from '@rejoin/socketio';
import * as v from 'valibot';
import { NotificationInbox } from './notification-inbox.ts';

const List = v.strictObject({
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 20),
  before: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64), v.check(isEntryId, 'must be what `next` was')))),
});
const Read = v.strictObject({
  ids: v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(256))), v.minLength(1), v.maxLength(100)),
});

/**
 * Notifications. A `notification.*` event goes to the one user it names, on every device. That one was read is itself an
 * event, `notification.read`, so that every device of the user agrees, live or after a resume.
 */
@WebSocketGateway()
export class NotificationsGateway {
  readonly #inbox: NotificationInbox;

  constructor(inbox: NotificationInbox) {
    this.#inbox = inbox;
  }

  @ClientCommand('notifications:list', { schema: v.optional(List, {}) })
  list({ limit, before }: v.InferOutput<typeof List>, { connection: { principal } }: CommandContext) {
    return this.#inbox.list(principal, { limit, ...(before ? { before } : {}) });
  }

  @ClientCommand('notifications:read', { schema: Read })
  read({ ids }: v.InferOutput<typeof Read>, { connection: { principal } }: CommandContext) {
    return this.#inbox.markRead(principal, ids);
  }
}
