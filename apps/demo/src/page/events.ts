import type { EventOf } from '@rejoin/client';
import type { Notice, Order } from '../orders/shop.ts';

/** The type of `data` by event type: `@rejoin/client` gives it to every handler. */
export interface DemoEvents {
  'order.created': Order;
  'order.paid': Order;
  'order.shipped': Order;
  'notification.created': Notice;
  'notification.paid': Notice;
  'notification.shipped': Notice;
  'notification.read': { readonly userId: string; readonly ids: readonly string[] };
}

export type OrderEvent = EventOf<DemoEvents, 'order.*'>;
export type NotificationEvent = EventOf<DemoEvents, 'notification.*'>;
/** A notification itself, and not that one was read. */
export type NoticeEvent = Exclude<NotificationEvent, { readonly type: 'notification.read' }>;
