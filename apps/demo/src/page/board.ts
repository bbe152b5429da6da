import type { DemoEvent } from './ledger.ts';

const MAX_CARDS = 4;
const MAX_ROWS = 60;

/** The orders that a client knows of, by status, and the events that it received, newest first. */
export class Board {
  readonly #root: ParentNode;
  readonly #cards = new Map<string, HTMLElement>();

  /** @param root holds a list for each status, and one for the events, each marked with `data-list` */
  constructor(root: ParentNode) {
    this.#root = root;
    for (const list of root.querySelectorAll('[data-list]')) list.replaceChildren();
  }

  show({ type, subject, time, data }: DemoEvent, cursor: string, replayed: boolean): void {
    const text = 'text' in data ? `${subject}: ${data.text}` : subject;
    const row = item(
      ['time', new Date(time).toLocaleTimeString()],
      ['strong', type],
      ['span', text],
      ['code', cursor],
      ...(replayed ? [['em', 'replayed'] as const] : []),
    );
    row.classList.toggle('replayed', replayed);
    this.#prepend('events', row, MAX_ROWS);
    if (!('status' in data)) return;
    this.#cards.get(subject)?.remove();
    const card = item(['strong', subject], ['span', data.item], ['span', data.customer]);
    card.classList.toggle('replayed', replayed);
    this.#cards.set(subject, card);
    this.#prepend(data.status, card, MAX_CARDS);
    for (const [number, shown] of this.#cards) if (!shown.isConnected) this.#cards.delete(number);
  }

  #prepend(name: string, child: HTMLElement, maxChildren: number): void {
    const list = this.#root.querySelector(`[data-list="${name}"]`) as HTMLElement;
    list.prepend(child);
    if (list.childElementCount > maxChildren) list.lastElementChild?.remove();
  }
}

function item(...parts: readonly (readonly [tag: string, text: string])[]): HTMLElement {
  const made = document.createElement('li');
  for (const [tag, text] of parts) {
    const part = document.createElement(tag);
    part.textContent = text;
    made.append(part);
  }
  return made;
}
