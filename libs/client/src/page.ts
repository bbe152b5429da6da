/** What the browser says of the page; elsewhere nothing is ever said. */
export interface PageListener {
  /** It is shown again, or the network is back: timers may have slept, and connections may have died unnoticed. */
  onWake(): void;
  /** It may be gone in a moment. */
  onHide(): void;
}

/** @returns ends the observation */
export function observePage(listener: PageListener): () => void {
  const subscriptions: [EventTarget | undefined, string, () => void][] = [
    [globalThis.window, 'online', () => listener.onWake()],
    [globalThis.window, 'pageshow', () => listener.onWake()],
    [globalThis.window, 'pagehide', () => listener.onHide()],
    [
      globalThis.document,
      'visibilitychange',
      () => (document.visibilityState === 'hidden' ? listener.onHide() : listener.onWake()),
    ],
  ];
  for (const [target, type, handle] of subscriptions) target?.addEventListener(type, handle);
  return () => {
    for (const [target, type, handle] of subscriptions) target?.removeEventListener(type, handle);
  };
}
