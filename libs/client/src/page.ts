/** What the browser says of the page; elsewhere nothing is ever said. */
export interface PageListener {
  /** It is shown again, or the network is back: timers may have slept, and connections may have died unnoticed. */
  onWake(): void;
  /** It may be gone in a moment. */
  onHide(): void;
}

/** @returns ends the observation */
export function observePage(listener: PageListener): () => void {
  const observation = new AbortController();
  const handle = ({ type }: Event): void => {
    const hides = type === 'visibilitychange' ? document.visibilityState === 'hidden' : type === 'pagehide';
    if (hides) listener.onHide();
    else listener.onWake();
  };
  // `visibilitychange` comes up from the document.
  for (const type of ['online', 'pageshow', 'pagehide', 'visibilitychange'])
    globalThis.window?.addEventListener(type, handle, observation);
  return () => observation.abort();
}
