import type { RejoinError } from './errors.ts';

/**
 *     idle ──connect()──▶ connecting ──let in──▶ replaying ──rejoin:ready──▶ live
 *                          ▲   │  ▲                  │                        │
 *                          │   │  │                  └───────lost─────────────┤
 *                          │   │  └──its time, page shown, online──┐          │
 *                          │   ├──failed──────────────────────▶ waiting ◀─────┤
 *                          │   │                                  │           │
 *                          │   └──refused for good──▶ stopped ◀───┴───────────┘
 *                          └──connect()──────────────────┘
 *
 *     any ──disconnect()──▶ idle        any ──close()──▶ closed
 *
 * `waiting` covers the absence of a network as well: the browser's `online` event ends it at once. Where the gateway named a
 * time it is waited for.
 */
export type ClientState = 'idle' | 'connecting' | 'replaying' | 'live' | 'waiting' | 'stopped' | 'closed';

export type StateListener = (state: ClientState, cause: RejoinError | null) => void;

/** The one place where the state changes, and where it can be observed. */
export class StateMachine {
  state: ClientState = 'idle';
  /** Why it is `waiting` or `stopped`; `null` in every other state. */
  cause: RejoinError | null = null;
  readonly #listeners = new Set<StateListener>();

  set(state: ClientState, cause: RejoinError | null = null): void {
    if (this.state === 'closed' || (state === this.state && cause === this.cause)) return;
    this.state = state;
    this.cause = cause;
    for (const listener of [...this.#listeners]) listener(state, cause);
  }

  observe(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
