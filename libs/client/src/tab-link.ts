import { compareCursors } from './cursor-order.ts';
import { asRejoinError, refused } from './errors.ts';
import type { Arrival, Link, LinkListener } from './link.ts';
import { type ClientOptions, DEFAULT_TIMEOUT_MS } from './options.ts';
import { SocketLink } from './socket-link.ts';
import { failureOf, type Heard, type StateMessage, TabChannel } from './tab-channel.ts';

/** Who got the lead in this time has followed nobody, and asks nobody, in milliseconds. */
const AT_ONCE_MS = 50;
/** How long a new leader listens to where the other tabs are, in milliseconds. */
const ROLL_CALL_MS = 100;
/** A leader that says nothing for so long when it is spoken to is frozen, and loses the lead, in milliseconds. */
const SILENCE_MS = 3_000;

/**
 * One connection for all tabs of a user. The tab that holds the Web Lock is the leader; it owns the connection and passes on what
 * arrives, and the others follow. When it is gone the lock goes to another tab, which asks all for their positions and resumes
 * from the oldest. Every tab has a position of its own and drops what it has; one that finds that it has missed something, because
 * it slept or was busy, asks for it, and the leader resumes from there for all.
 */
class TabLink implements Link {
  readonly #options: ClientOptions;
  readonly #listener: LinkListener;
  /** Opens when this tab leads: until then it waits in `onIdentity`. */
  readonly #socket: SocketLink;
  readonly #channel: TabChannel;
  #leave = (): void => undefined;
  /** Takes the lock from a leader that does not answer. */
  #seize = (): void => undefined;
  /** Changes when this tab disconnects, so that one that was about to join does not. */
  #life = 0;
  #silence: ReturnType<typeof setTimeout> | undefined;
  /** Of a follower: it takes nothing for now, because handlers are behind; until it has what it lacks. */
  #paused = false;
  #deaf = false;

  /** Of the leader: the oldest position from which one of the others asked to be replayed to. */
  #asked: string | undefined;
  /** Of the leader: what it has passed on last. What arrives next follows on `#chain`. */
  #state: StateMessage = { kind: 'state', state: 'idle', failure: null };
  #chain: string | undefined;

  constructor(options: ClientOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
    this.#channel = new TabChannel(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, {
      onMessage: (message) => (this.leads ? this.#hearTab(message) : this.#hearLeader(message)),
      perform: async ([method, ...given], from) =>
        (this.#socket as unknown as Record<string, (...all: unknown[]) => unknown>)[method]?.(...given, from),
    });
    this.#socket = new SocketLink(options, {
      ...listener,
      position: () => this.#oldest(),
      onIdentity: async (identity) => {
        const life = this.#life;
        await listener.onIdentity(identity);
        if (life === this.#life) await this.#join(identity);
      },
      onState: (state, cause) => {
        this.#state = { kind: 'state', state, failure: cause && failureOf(cause) };
        listener.onState(state, cause);
        // Another tab may have a better token.
        if (state === 'stopped') this.#leave();
        if (this.leads) this.#channel.say(this.#state);
      },
      onArrival: (arrival) => this.#passOn(arrival),
    });
  }

  get leads(): boolean {
    return this.#channel.leads;
  }

  connect(): void {
    this.#socket.connect();
  }

  disconnect(): void {
    this.#life += 1;
    this.#leave();
    this.#socket.disconnect();
  }

  call(command: string, payload: object): Promise<unknown> {
    return this.#channel.request('call', command, payload);
  }

  watch(resource: string): Promise<unknown> {
    return this.#channel.request('watch', resource);
  }

  unwatch(resource: string): void {
    this.#channel.request('unwatch', resource).catch((error: unknown) => this.#listener.onError(asRejoinError(error)));
  }

  acknowledge(cursor: string): void {
    if (this.leads) this.#socket.acknowledge(cursor);
  }

  pause(): void {
    if (this.leads) this.#socket.pause();
    else this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.leads) this.#socket.resume();
    else this.#introduce();
  }

  wake(): void {
    if (this.leads) this.#socket.wake();
    else this.#introduce();
  }

  /** Resolves when this tab is the leader and knows where the others are. */
  async #join(identity: string): Promise<void> {
    const name = [this.#options.name ?? 'rejoin', identity, ...(this.#options.events ?? [])].join(' ');
    if (this.#channel.name === name) return;
    this.#leave();
    const leaving = new AbortController();
    const { signal } = leaving;
    const goodbye = (): void => this.#channel.say({ kind: 'bye' });
    globalThis.addEventListener?.('pagehide', goodbye, { signal });
    this.#leave = () => {
      goodbye();
      leaving.abort();
      this.#hearsLeader();
      this.#channel.close();
    };
    this.#channel.open(name);
    this.#introduce();
    const since = Date.now();
    await new Promise<void>((elected) => {
      const hold = (): Promise<void> =>
        new Promise((resolve) => {
          if (signal.aborted) return resolve();
          signal.addEventListener('abort', () => resolve());
          elected();
        });
      const request = (options: LockOptions): void => {
        navigator.locks.request(name, options, hold).catch(() => {
          if (signal.aborted) return;
          // The lock was taken from this tab, as it was frozen: from now on it follows.
          this.#leave();
          this.#socket.resume();
        });
      };
      this.#seize = () => request({ steal: true });
      request({ signal });
    });
    await this.#lead(Date.now() - since);
  }

  async #lead(waitedMs: number): Promise<void> {
    this.#channel.leads = true;
    this.#hearsLeader();
    this.#deaf = false;
    this.#paused = false;
    this.#chain = undefined;
    this.#asked = undefined;
    this.#socket.forget();
    this.#listener.onState('connecting', null);
    this.#channel.say({ kind: 'lead' });
    const followed = waitedMs > AT_ONCE_MS;
    // Who comes later than this is heard as well, and costs another connection at worst.
    if (followed) await new Promise((resolve) => setTimeout(resolve, ROLL_CALL_MS));
    if (!this.leads) return;
    this.#watchAll(this.#listener.watched(), this.#channel.id);
    this.#channel.requestAgain();
    // The token may have aged meanwhile.
    if (followed) this.#socket.resume();
  }

  /** The oldest position that some tab is at. */
  #oldest(): string | undefined {
    const own = this.#listener.position();
    return own === undefined || compareCursors(this.#asked, own) < 0 ? this.#asked : own;
  }

  #passOn(arrival: Arrival): void {
    const begins = arrival.kind === 'begin';
    this.#channel.say({ kind: 'arrival', arrival, after: begins ? arrival.cursor : this.#chain });
    this.#chain = arrival.cursor;
    if (arrival.kind === 'ready') this.#asked = undefined;
    this.#listener.onArrival(arrival);
    // Somebody came while the connection was being opened.
    if (begins && compareCursors(this.#oldest(), arrival.cursor) < 0) this.#socket.resume();
  }

  #hearTab(message: Heard): void {
    const { from } = message;
    if (message.kind === 'bye') this.#socket.forget(from);
    if (message.kind !== 'tab') return;
    // It is new, or it answers the roll call, or it has missed something.
    const { position } = message;
    this.#watchAll(message.watched, from);
    this.#channel.say(this.#state, from);
    this.#socket.wake();
    if (this.#oldest() === undefined || compareCursors(position, this.#oldest()) < 0) this.#asked = position;
    const cursor = this.#chain;
    if (compareCursors(position, cursor) < 0) this.#socket.resume();
    else if (this.#state.state === 'live' && cursor !== undefined) {
      const replay = { status: position === undefined ? 'none' : 'complete', count: 0 } as const;
      this.#channel.say({ kind: 'arrival', arrival: { kind: 'ready', replay, cursor }, after: cursor }, from);
    }
  }

  #hearLeader(message: Heard): void {
    this.#hearsLeader();
    if (message.kind === 'lead') {
      this.#introduce();
      this.#channel.requestAgain();
    } else if (message.kind === 'state') {
      this.#listener.onState(message.state, message.failure && refused(message.failure));
    } else if (message.kind === 'arrival') this.#take(message.arrival, message.after);
  }

  #hearsLeader(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #take(arrival: Arrival, after: string | undefined): void {
    const received = this.#listener.received();
    const starts = arrival.kind === 'begin' || arrival.kind === 'ready';
    if (this.#paused || (this.#deaf && !starts) || (received === undefined && arrival.kind !== 'ready')) return;
    const lead = received === undefined || after === undefined ? 0 : compareCursors(after, received);
    if (lead > 0) {
      if (!this.#deaf) this.#introduce();
      this.#deaf = true;
      return;
    }
    this.#deaf = false;
    // Its history was broken while this tab slept: nobody can replay that to it.
    if (Number.isNaN(lead)) {
      const [from, cursor] = [received as string, after as string];
      const replay = { status: 'gap', count: 0, reason: 'epoch', from, oldest: cursor } as const;
      this.#listener.onArrival({ kind: 'ready', replay, cursor });
    }
    this.#listener.onArrival(arrival);
  }

  #watchAll(resources: readonly string[], holder: string): void {
    for (const resource of resources)
      this.#socket.watch(resource, holder).catch((error: unknown) => this.#listener.onError(asRejoinError(error)));
  }

  #introduce(): void {
    this.#channel.say({ kind: 'tab', position: this.#listener.position(), watched: this.#listener.watched() });
    this.#silence ??= setTimeout(() => this.#seize(), SILENCE_MS);
  }
}

/** A connection that all tabs of a user share, where the browser has the means. */
export function sharedByTabs(options: ClientOptions, listener: LinkListener): Link {
  const possible = typeof BroadcastChannel === 'function' && !!globalThis.navigator?.locks;
  return new (possible ? TabLink : SocketLink)(options, listener);
}
