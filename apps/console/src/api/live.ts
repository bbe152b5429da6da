import type { PartitionsPage, SessionView } from '@rejoin/operations';
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { io, type Socket } from 'socket.io-client';
import { session } from './session.ts';
import { queries } from './use-api.ts';

/** Lag of every partition over the last hour, by equal steps of time; `null` where it was not known. */
export interface History {
  /** Start of the first step, milliseconds since 1970. */
  readonly from: number;
  readonly stepMs: number;
  readonly lag: readonly (readonly (number | null)[])[];
}

interface Delta extends PartitionsPage {
  /** The items are all there are, in place of those before. */
  readonly whole: boolean;
}

export type LiveState = 'off' | 'connecting' | 'live' | 'lost';

/** Key of what the server pushes among the answers of the API. */
export const LIVE_PARTITIONS = ['live', 'partitions'];
export const LIVE_HISTORY = ['live', 'history'];

/** The pushed side of the operator API: partitions once a second, as far as they changed, while somebody looks. */
class Live {
  #socket: Socket | undefined;
  #state: LiveState = 'off';
  readonly #listeners = new Set<() => void>();

  get state(): LiveState {
    return this.#state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  connect(): void {
    if (this.#socket) return;
    const socket = io({
      path: '/v1/live',
      transports: ['websocket'],
      auth: (give) => give({ token: session.token }),
      reconnectionDelayMax: 5_000,
    });
    this.#socket = socket;
    this.#enter('connecting');
    socket.on('connect', () => this.#enter('live'));
    socket.on('disconnect', () => this.#enter('lost'));
    socket.on('connect_error', () => this.#enter('lost'));
    socket.on('partitions', (delta: Delta) => queries.setQueryData(LIVE_PARTITIONS, merge(delta)));
    socket.on('history', (history: History) => queries.setQueryData(LIVE_HISTORY, history));
    document.addEventListener('visibilitychange', this.#watch);
    socket.on('connect', this.#watch);
  }

  disconnect(): void {
    document.removeEventListener('visibilitychange', this.#watch);
    this.#socket?.disconnect();
    this.#socket = undefined;
    this.#enter('off');
  }

  /** A tab that nobody sees costs the server nothing. */
  readonly #watch = (): void => {
    this.#socket?.emit(document.hidden ? 'unwatch' : 'watch');
  };

  #enter(state: LiveState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function merge({ whole, items, ...facts }: Delta): (before?: PartitionsPage) => PartitionsPage {
  return (before) => {
    const changed = new Map(items.map((item) => [item.partition, item]));
    const kept = whole ? [] : (before?.items ?? []);
    return {
      ...facts,
      items: whole ? [...items] : kept.map((item) => changed.get(item.partition) ?? item),
    };
  };
}

const live = new Live();

export function useLiveState(): LiveState {
  return useSyncExternalStore(live.subscribe, () => live.state);
}

/** Holds the connection while the shell is there. */
export function useLive(): void {
  useEffect(() => {
    live.connect();
    return () => live.disconnect();
  }, []);
}

/** The time, every second: ages grow on the page between two answers. */
export function useNow(intervalMs = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), intervalMs);
    return () => clearInterval(timer);
  }, [intervalMs]);
  return now;
}

/** Whom the token stands for; everything below the sign-in page has it. */
export const SessionContext = createContext<SessionView | null>(null);

export function useSession(): SessionView {
  const view = useContext(SessionContext);
  if (!view) throw new Error('used outside of a session');
  return view;
}

export function useMayWrite(): boolean {
  return useSession().scopes.includes('ops:write');
}

/** The one tenant that the token sees; `null`: all. */
export function useTenantOfToken(): string | null {
  return useSession().tenant;
}
