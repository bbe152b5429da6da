import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { Dialog } from '../dialog/dialog.tsx';
import { PAGES } from './pages.ts';

/** How long after `g` its second key counts, in milliseconds. */
const SEQUENCE_MS = 1_000;

/** `g` and a letter go to a page, `/` to the first filter, `?` shows this. Nothing happens while somebody types. */
export function Shortcuts() {
  const [, navigate] = useLocation();
  const [shown, setShown] = useState(false);
  const wentAt = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role=dialog]')) return;
      const page = PAGES.find(({ key }) => key === event.key);
      if (page && performance.now() - wentAt.current < SEQUENCE_MS) {
        event.preventDefault();
        navigate(page.path);
      } else if (event.key === '/') {
        const filter = document.querySelector<HTMLElement>('.filters input, .filters select');
        if (filter) event.preventDefault();
        filter?.focus();
      } else if (event.key === '?') {
        setShown(true);
      }
      wentAt.current = event.key === 'g' ? performance.now() : 0;
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [navigate]);
  if (!shown) return null;
  return (
    <Dialog title="Keyboard" onClose={() => setShown(false)}>
      <dl className="keys">
        {PAGES.map(({ path, name, key }) => (
          <div key={path}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>First filter</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>This list</dd>
        </div>
      </dl>
    </Dialog>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
