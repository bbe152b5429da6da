import type { Notice } from '../orders/shop.ts';
import type { NoticeEvent } from './events.ts';

export interface Notification {
  readonly id: string;
  readonly time: string;
  readonly text: string;
  readonly read: boolean;
}

/** What `notifications:list` answers. */
export interface NotificationPage {
  readonly items: readonly {
    readonly event: { readonly id: string; readonly time: string; readonly data: Notice };
    readonly read: boolean;
  }[];
  readonly unread: number;
}

const MAX_KEPT = 200;

/**
 * The notifications that a device knows of. A list and events may come in any order and twice: once read stays read, and
 * nothing counts twice.
 */
export class Inbox {
  readonly #items = new Map<string, Notification>();
  readonly #read = new Set<string>();

  get unread(): readonly Notification[] {
    return this.newest.filter(({ read }) => !read);
  }

  get newest(): readonly Notification[] {
    return [...this.#items.values()].sort((a, b) => (a.time < b.time ? 1 : -1));
  }

  load({ items }: NotificationPage): void {
    for (const { event, read } of items) {
      if (read) this.#read.add(event.id);
      this.#add(event);
    }
  }

  receive(event: NoticeEvent): void {
    this.#add(event);
  }

  markRead(ids: readonly string[]): void {
    for (const id of ids) {
      this.#read.add(id);
      const known = this.#items.get(id);
      if (known) this.#items.set(id, { ...known, read: true });
    }
  }

  #add({ id, time, data }: { readonly id: string; readonly time: string; readonly data: Notice }): void {
    this.#items.set(id, { id, time, text: data.text, read: this.#read.has(id) });
    if (this.#items.size <= MAX_KEPT) return;
    const oldest = this.newest.at(-1);
    if (oldest) this.#items.delete(oldest.id);
  }
}
