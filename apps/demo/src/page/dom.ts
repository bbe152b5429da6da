/** A copy of a template's one element. */
export function stamp(template: string): HTMLElement {
  const { content } = document.querySelector(`#${template}`) as HTMLTemplateElement;
  return (content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
}

/** The element of a root that is marked `data-part="<name>"`. */
export function part<Kind extends HTMLElement = HTMLElement>(root: ParentNode, name: string): Kind {
  return root.querySelector(`[data-part="${name}"]`) as Kind;
}

/** An element with text, which is never read as HTML. */
export function element(tag: string, text = '', className = ''): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

/** Sets text only where it changes, so that nothing is announced or animated again. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Draws at most once per frame, however often it is asked to. */
export class Drawing {
  readonly #draw: () => void;
  #planned = false;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  request(): void {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      this.#draw();
    });
  }
}
