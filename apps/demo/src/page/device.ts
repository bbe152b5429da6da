import type { Member } from '../cast.ts';
import { Drawing, element, part, setText, stamp } from './dom.ts';
import type { Gateways } from './gateways.ts';
import { Inbox, type Notification, type NotificationPage } from './inbox.ts';
import { MemberClient } from './member-client.ts';
import { STATES } from './moment.ts';
import type { Observer } from './observer.ts';

const MAX_SHOWN = 5;

/** One device of a user: notifications, how many are unread, and a switch that cuts it off. */
export class Device {
  readonly root = stamp('device');
  readonly client: MemberClient;
  readonly #inbox = new Inbox();
  readonly #gateways: Gateways;
  readonly #observer: Observer;
  readonly #drawing = new Drawing(() => this.#draw());
  #shown = '';
  #problem = '';

  constructor(name: string, member: Member, gateways: Gateways, gatewayIndex: number, observer: Observer) {
    this.#gateways = gateways;
    this.#observer = observer;
    const ownName = `${member.name}’s ${name.toLowerCase()}`;
    this.root.dataset.device = name.toLowerCase();
    this.root.dataset.tenant = member.tenant;
    part(this.root, 'name').textContent = ownName;
    part(this.root, 'switch').setAttribute('aria-label', `Connection of ${ownName}`);
    part(this.root, 'switch').addEventListener('click', () => {
      if (this.client.cut) this.client.switchOn();
      else this.client.switchOff();
    });
    part(this.root, 'read-all').addEventListener('click', () => this.#markRead(this.#inbox.unread));
    this.client = new MemberClient(member, ownName, gateways.urls, gatewayIndex, {
      onChange: () => this.#drawing.request(),
      onNotification: (event) => {
        if (event.type === 'notification.read') this.#inbox.markRead(event.data.ids);
        else this.#inbox.receive(event);
      },
      onCaughtUp: (catchUp) => {
        const { replay, awayMs } = catchUp;
        // What a resumed connection missed came as events; a fresh one, or one with a gap, asks.
        if (awayMs === null || replay.status === 'gap') this.#load();
        this.#observer.onCaughtUp(this.client, catchUp);
      },
      onDelayed: (waitedMs) => this.#observer.onDelayed(this.client, waitedMs),
    });
  }

  #load(): void {
    this.client.client.call<NotificationPage>('notifications:list', { limit: 20 }).then(
      (page) => {
        this.#inbox.load(page);
        this.#drawing.request();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Marked here, shown as read by the event that every device gets. */
  #markRead(notifications: readonly Notification[]): void {
    const ids = notifications.slice(0, 100).map(({ id }) => id);
    if (ids.length === 0) return;
    this.client.client.call('notifications:read', { ids }).then(
      () => this.#fail(null),
      (error: unknown) => this.#fail(error),
    );
  }

  #fail(error: unknown): void {
    this.#problem = error instanceof Error ? `Not now: ${error.message}` : '';
    this.#drawing.request();
  }

  #draw(): void {
    const { state, cut, gateway, missing } = this.client;
    const unread = this.#inbox.unread.length;
    this.root.dataset.state = state;
    setText(part(this.root, 'state'), STATES[state]);
    setText(part(this.root, 'gateway'), cut ? 'no connection' : this.#gateways.nameOf(gateway));
    part(this.root, 'switch').setAttribute('aria-checked', String(!cut));
    setText(part(this.root, 'badge'), String(unread));
    part(this.root, 'badge').dataset.unread = String(unread > 0);
    part<HTMLButtonElement>(this.root, 'read-all').disabled = unread === 0 || state !== 'live';
    const away = state === 'live' ? '' : `${missing} missed so far`;
    setText(part(this.root, 'note'), this.#problem || away);
    this.#drawList(state === 'live');
    this.#observer.onChange();
  }

  #drawList(live: boolean): void {
    const newest = this.#inbox.newest.slice(0, MAX_SHOWN);
    const shown = JSON.stringify([live, newest]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const list = part(this.root, 'list');
    const focused = list.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset.id
      : undefined;
    list.replaceChildren(...newest.map((notification) => this.#row(notification, live)));
    if (newest.length === 0) list.append(element('li', 'Nothing yet. Order something.', 'empty'));
    // A list that is drawn anew under the keyboard's focus must not take it away.
    if (focused === undefined) return;
    const again = list.querySelector<HTMLElement>(`[data-id="${focused}"]:not(:disabled)`);
    (again ?? part(this.root, 'read-all')).focus();
  }

  #row(notification: Notification, live: boolean): HTMLElement {
    const { id, text, time, read } = notification;
    const row = element('li', '', read ? 'read' : 'unread');
    row.append(element('span', text, 'text'), element('time', new Date(time).toLocaleTimeString('en-GB')));
    if (read) {
      row.append(element('em', 'Read'));
      return row;
    }
    const button = element('button', 'Mark read') as HTMLButtonElement;
    button.type = 'button';
    button.dataset.id = id;
    button.disabled = !live;
    button.setAttribute('aria-label', `Mark read: ${text}`);
    button.addEventListener('click', () => this.#markRead([notification]));
    row.append(button);
    return row;
  }
}
