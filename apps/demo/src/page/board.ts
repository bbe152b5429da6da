import type { Reception } from '@rejoin/client';
import { element } from './dom.ts';
import type { OrderEvent } from './events.ts';

const MAX_CARDS = 4;

/** The orders that a client knows of, by status, the newest first. */
export class Board {
  readonly #root: ParentNode;
  readonly #cards = new Map<string, HTMLElement>();

  /** @param root holds a list for each status, marked with `data-list` */
  constructor(root: ParentNode) {
    this.#root = root;
    for (const list of root.querySelectorAll('[data-list]')) list.replaceChildren();
  }

  show({ data }: OrderEvent, { replayed }: Reception): void {
    this.#cards.get(data.number)?.remove();
    const card = element('li', '', replayed ? 'card replayed' : 'card');
    card.append(element('b', data.item), element('span', `${data.number} · ${data.customer}`));
    this.#cards.set(data.number, card);
    const list = this.#root.querySelector(`[data-list="${data.status}"]`) as HTMLElement;
    list.prepend(card);
    if (list.childElementCount > MAX_CARDS) list.lastElementChild?.remove();
    for (const [number, shown] of this.#cards) if (!shown.isConnected) this.#cards.delete(number);
  }
}
