import { element } from './dom.ts';

const TOKENS =
  /(?<comment>\/\/[^\n]*)|(?<string>'[^'\n]*'|`[^`\n]*`)|(?<keyword>\b(?:const|new|await|async|if|else|return|import|from|this|readonly)\b)|(?<call>[A-Za-z]\w*(?=[(<]))/g;

/** Colours the few lines of code that a panel shows, and lets the keyboard scroll them. */
export function colour(code: HTMLElement): void {
  const text = code.textContent ?? '';
  const pieces: (Node | string)[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [kind] = Object.entries(match.groups ?? {}).find(([, found]) => found !== undefined) ?? ['plain'];
    pieces.push(text.slice(at, match.index), element('span', match[0], kind));
    at = match.index + match[0].length;
  }
  code.replaceChildren(...pieces, text.slice(at));
  const block = code.parentElement as HTMLElement;
  block.tabIndex = 0;
  block.setAttribute('role', 'group');
  block.setAttribute('aria-label', 'Code');
}
