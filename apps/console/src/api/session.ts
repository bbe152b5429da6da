const KEY = 'rejoin.token';

/**
 * The operator's token, kept for this tab alone. A link may bring it in its fragment, `#token=…`, which no server and no log
 * sees; it is taken out of the address at once.
 */
class Session {
  #token: string | null;
  #notice: string | null = null;
  readonly #listeners = new Set<() => void>();

  constructor() {
    this.#token = takeFromFragment() ?? sessionStorage.getItem(KEY);
    if (this.#token !== null) sessionStorage.setItem(KEY, this.#token);
    // A link with a token, opened in a tab that is signed in.
    addEventListener('hashchange', () => {
      const token = takeFromFragment();
      if (token !== null) this.signIn(token);
    });
  }

  get token(): string | null {
    return this.#token;
  }

  /** Why the last session ended, for the sign-in page. */
  get notice(): string | null {
    return this.#notice;
  }

  signIn(token: string): void {
    sessionStorage.setItem(KEY, token);
    this.#change(token, null);
  }

  signOut(notice: string | null = null): void {
    sessionStorage.removeItem(KEY);
    this.#change(null, notice);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #change(token: string | null, notice: string | null): void {
    this.#token = token;
    this.#notice = notice;
    for (const listener of this.#listeners) listener();
  }
}

function takeFromFragment(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  return token.trim();
}

export const session = new Session();
