import { element } from './dom.ts';

const MAX_MARKS = 60;
/** Between two missed events that are filled in: slow enough to see that they come in their order. */
const STEP_MS = 45;

/**
 * One mark for each event that is meant for a client, the newest at the right: an outline until the client has it. The marks of
 * what it missed fill up one after the other when it comes back.
 */
export class Tape {
  readonly #root: HTMLElement;
  readonly #marks = new Map<string, HTMLElement>();
  /** Filled in since the last catching up. */
  #replayed = 0;

  constructor(root: HTMLElement) {
    this.#root = root;
    root.replaceChildren();
  }

  await(id: string): void {
    if (!this.#marks.has(id)) this.#add(id);
  }

  receive(id: string, replayed: boolean): void {
    const mark = this.#marks.get(id) ?? this.#add(id);
    mark.style.setProperty('--delay', `${replayed ? this.#replayed * STEP_MS : 0}ms`);
    mark.dataset.had = replayed ? 'replayed' : 'live';
    this.#replayed = replayed ? this.#replayed + 1 : 0;
  }

  /** What is still an outline will never be filled: it is beyond the replay window. */
  giveUp(): void {
    for (const mark of this.#marks.values()) mark.dataset.had ??= 'gap';
  }

  #add(id: string): HTMLElement {
    const mark = element('i');
    this.#marks.set(id, mark);
    this.#root.append(mark);
    if (this.#marks.size > MAX_MARKS) {
      const [[oldest, gone]] = this.#marks as unknown as [[string, HTMLElement]];
      this.#marks.delete(oldest);
      gone.remove();
    }
    return mark;
  }
}
