import { asRejoinError, RejoinError } from './errors.ts';
import { compareCursors } from './inbox.ts';
import type { Arrival, Link, LinkListener } from './link.ts';
import { type ClientOptions, DEFAULT_TIMEOUT_MS } from './options.ts';
import { SocketLink } from './socket-link.ts';
import type { ClientState } from './state.ts';

/** Longest wait of a new leader for the positions of the other tabs, in milliseconds. */
const ROLL_CALL_MS = 100;

/** What only the leader can do. */
type Request =
  | { readonly kind: 'call'; readonly command: string; readonly payload: object }
  | { readonly kind: 'watch' | 'unwatch'; readonly resource: string };

/** Errors as they cross a channel, which keeps no classes. */
type Failure = Pick<RejoinError, 'code' | 'message' | 'retryable' | 'retryAfterMs'>;

type Message =
  /** Who has not received everything up to `after` has missed something. */
  | { readonly kind: 'arrival'; readonly arrival: Arrival; readonly after: string | undefined }
  | { readonly kind: 'lead' | 'bye' | 'wake' }
  | { readonly kind: 'tab'; readonly position: string | undefined; readonly watches: readonly string[] }
  | { readonly kind: 'request'; readonly id: number; readonly request: Request }
  | { readonly kind: 'answer'; readonly id: number; readonly data?: unknown; readonly failure?: Failure }
  | { readonly kind: 'state'; readonly state: ClientState; readonly failure: Failure | null };

type Addressed = Message & { readonly from: string; readonly to?: string };

interface Pending {
  readonly request: Request;
  resolve(data: unknown): void;
  reject(error: RejoinError): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

interface Tab {
  position: string | undefined;
  readonly watches: Set<string>;
}

/**
 * One connection for all tabs of a user. The tab that holds the Web Lock is the leader; it owns the connection and passes on what
 * arrives, and the others follow. When it is gone the lock goes to another tab, which asks all for their positions and resumes
 * from the oldest. Every tab has a position of its own and drops what it has; one that finds that it has missed something, because
 * it slept or was busy, asks for it, and the leader resumes from there for all.
 */
class TabLink implements Link {
  readonly #id = Math.random().toString(36).slice(2);
  readonly #options: ClientOptions;
  readonly #timeoutMs: number;
  readonly #listener: LinkListener;
  readonly #socket: SocketLink;
  readonly #watches = new Map<string, { count: number; readonly answered: Promise<unknown> }>();
  readonly #pending = new Map<number, Pending>();
  /** Of the leader: the others. */
  readonly #tabs = new Map<string, Tab>();
  #channel: BroadcastChannel | undefined;
  #leave: () => void = () => undefined;
  #leads = false;
  #rollCall: () => void = () => undefined;
  /** Of the leader: the state it passes on; and the position that what arrives next follows on. */
  #state: Extract<Message, { kind: 'state' }> = { kind: 'state', state: 'idle', failure: null };
  #chain: string | undefined;
  #watching: readonly string[] = [];
  /** Of a follower: it takes nothing until it has what it lacks. */
  #deaf = false;
  #paused = false;
  #requests = 0;

  constructor(options: ClientOptions, listener: LinkListener) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#listener = listener;
    this.#socket = new SocketLink(options, this.#relay());
  }

  get leads(): boolean {
    return this.#leads;
  }

  connect(): void {
    this.#socket.connect();
  }

  disconnect(): void {
    this.#socket.disconnect();
    this.#leave();
    this.#listener.onState('idle', null);
  }

  call(command: string, payload: object): Promise<unknown> {
    return this.#request({ kind: 'call', command, payload });
  }

  async watch(resource: string): Promise<void> {
    let watch = this.#watches.get(resource);
    if (watch) watch.count += 1;
    else {
      watch = { count: 1, answered: this.#request({ kind: 'watch', resource }) };
      this.#watches.set(resource, watch);
    }
    try {
      await watch.answered;
    } catch (error) {
      this.#watches.delete(resource);
      throw error;
    }
  }

  unwatch(resource: string): void {
    const watch = this.#watches.get(resource);
    if (!watch) return;
    watch.count -= 1;
    if (watch.count > 0) return;
    this.#watches.delete(resource);
    this.#request({ kind: 'unwatch', resource }).catch((error: unknown) =>
      this.#listener.onError(asRejoinError(error)),
    );
  }

  acknowledge(cursor: string): void {
    if (this.#leads) this.#socket.acknowledge(cursor);
  }

  pause(): void {
    if (this.#leads) this.#socket.pause();
    else this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#leads) this.#socket.resume();
    else this.#introduce();
  }

  wake(): void {
    if (this.#leads) this.#socket.wake();
    else {
      this.#say({ kind: 'wake' });
      this.#introduce();
    }
  }

  #relay(): LinkListener {
    const oldest = (): string | undefined => this.#oldest();
    const listener = this.#listener;
    return {
      get position() {
        return oldest();
      },
      get received() {
        return listener.received;
      },
      onIdentity: async (identity) => {
        const late = await listener.onIdentity(identity);
        return (await this.#join(identity)) || late;
      },
      onState: (state, cause) => {
        this.#state = { kind: 'state', state, failure: cause && failureOf(cause) };
        listener.onState(state, cause);
        if (this.#leads) this.#say(this.#state);
        // Another tab may have a better token.
        if (state === 'stopped') this.#leave();
      },
      onArrival: (arrival) => this.#passOn(arrival),
      onError: (error) => listener.onError(error),
    };
  }

  /** Resolves when this tab is the leader and knows where the others are. @returns whether that took long */
  async #join(identity: string): Promise<boolean> {
    const name = [this.#options.name ?? 'rejoin', identity, ...(this.#options.events ?? [])].join(' ');
    if (this.#channel?.name === name) return false;
    this.#leave();
    const channel = new BroadcastChannel(name);
    const leaving = new AbortController();
    let release = (): void => leaving.abort();
    this.#channel = channel;
    const goodbye = (): void => this.#say({ kind: 'bye' });
    globalThis.addEventListener?.('pagehide', goodbye);
    this.#leave = () => {
      goodbye();
      for (const id of this.#pending.keys()) this.#end(id)?.reject(unanswered('CONNECTION_LOST'));
      globalThis.removeEventListener?.('pagehide', goodbye);
      this.#leave = () => undefined;
      if (this.#leads) for (const resource of this.#watchedByAnyone()) this.#socket.unwatch(resource);
      this.#channel = undefined;
      this.#leads = false;
      channel.close();
      release();
    };
    channel.onmessage = ({ data }: MessageEvent<Addressed>) => this.#hear(data);
    this.#introduce();
    const since = Date.now();
    await new Promise<void>((elected, failed) => {
      const hold = (): Promise<void> =>
        new Promise((resolve) => {
          release = resolve;
          elected();
        });
      navigator.locks.request(name, { signal: leaving.signal }, hold).catch(failed);
    });
    await this.#lead(name);
    return Date.now() - since > ROLL_CALL_MS * 10;
  }

  async #lead(name: string): Promise<void> {
    this.#leads = true;
    this.#deaf = false;
    this.#paused = false;
    this.#chain = undefined;
    this.#tabs.clear();
    this.#listener.onState('connecting', null);
    const { pending = [] } = await navigator.locks.query();
    const others = pending.filter((lock) => lock.name === name).length;
    if (others > 0) {
      await new Promise<void>((resolve) => {
        this.#rollCall = () => this.#tabs.size >= others && resolve();
        setTimeout(resolve, ROLL_CALL_MS);
        this.#say({ kind: 'lead' });
      });
    }
    for (const resource of this.#watches.keys()) this.#watchFor(this.#id, resource);
    this.#settleRequests();
  }

  /** The oldest position that some tab is at. */
  #oldest(): string | undefined {
    let { position } = this.#listener;
    for (const tab of this.#tabs.values()) if (compareCursors(tab.position, position) < 0) position = tab.position;
    return position;
  }

  #passOn(arrival: Arrival): void {
    const after = arrival.kind === 'begin' ? arrival.position : this.#chain;
    this.#say({ kind: 'arrival', arrival, after });
    this.#chain = arrival.kind === 'begin' ? arrival.position : arrival.cursor;
    if (arrival.kind === 'ready') {
      this.#watching = arrival.ready.watching;
      for (const tab of this.#tabs.values()) tab.position = undefined;
    }
    this.#listener.onArrival(arrival);
    // Somebody came while the connection was being opened.
    if (arrival.kind === 'begin' && compareCursors(this.#oldest(), arrival.position) < 0) this.#socket.resume();
  }

  #hear(message: Addressed): void {
    if (message.to !== undefined && message.to !== this.#id) return;
    if (this.#leads) this.#hearAsLeader(message);
    else this.#hearAsFollower(message);
  }

  #hearAsLeader(message: Addressed): void {
    const { from } = message;
    if (message.kind === 'wake') this.#socket.wake();
    else if (message.kind === 'tab') this.#receive(from, message.position, message.watches);
    else if (message.kind === 'bye') {
      for (const resource of this.#tabs.get(from)?.watches ?? []) this.#socket.unwatch(resource);
      this.#tabs.delete(from);
    } else if (message.kind === 'request') {
      const { id } = message;
      this.#perform(message.request, from).then(
        (data) => this.#say({ kind: 'answer', id, data }, from),
        (error: unknown) => this.#say({ kind: 'answer', id, failure: failureOf(asRejoinError(error)) }, from),
      );
    }
  }

  /** A tab says where it is: it is new, or it answers the roll call, or it has missed something. */
  #receive(from: string, position: string | undefined, watches: readonly string[]): void {
    const tab = this.#tabs.get(from) ?? { position, watches: new Set() };
    tab.position = position;
    this.#tabs.set(from, tab);
    this.#say(this.#state, from);
    for (const resource of watches) this.#watchFor(from, resource);
    this.#rollCall();
    if (compareCursors(position, this.#chain) < 0) this.#socket.resume();
    else if (this.#state.state === 'live' && this.#chain !== undefined) {
      const replay = { status: position === undefined ? 'none' : 'complete', count: 0 } as const;
      const ready = { replay, watching: this.#watching };
      this.#say({ kind: 'arrival', arrival: { kind: 'ready', ready, cursor: this.#chain }, after: this.#chain }, from);
    }
  }

  #hearAsFollower(message: Addressed): void {
    if (message.kind === 'lead') {
      this.#settleRequests();
      this.#introduce();
    } else if (message.kind === 'state') {
      const { state, failure } = message;
      const goes = state === 'idle' || state === 'stopped';
      this.#listener.onState(goes ? 'connecting' : state, failure && !goes ? errorOf(failure) : null);
    } else if (message.kind === 'arrival') this.#take(message.arrival, message.after);
    else if (message.kind === 'answer') {
      const pending = this.#end(message.id);
      if (message.failure) pending?.reject(errorOf(message.failure));
      else pending?.resolve(message.data);
    }
  }

  #take(arrival: Arrival, after: string | undefined): void {
    const { received } = this.#listener;
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
    if (Number.isNaN(lead))
      this.#listener.onArrival(brokenHistory(received as string, after as string, this.#watching));
    this.#listener.onArrival(arrival);
  }

  #request(request: Request): Promise<unknown> {
    if (this.#leads) return this.#perform(request, this.#id);
    return new Promise((resolve, reject) => {
      this.#requests += 1;
      const id = this.#requests;
      const timer = setTimeout(() => this.#end(id)?.reject(unanswered('TIMEOUT')), this.#timeoutMs);
      this.#pending.set(id, { request, resolve, reject, timer });
      this.#say({ kind: 'request', id, request });
    });
  }

  /** The request is over; whoever gets it settles it. */
  #end(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    clearTimeout(pending?.timer);
    this.#pending.delete(id);
    return pending;
  }

  /** The leader has changed. Watches are asked for again; what a call did nobody knows. */
  #settleRequests(): void {
    for (const [id, { request, resolve, reject }] of this.#pending) {
      this.#end(id);
      if (request.kind === 'call') reject(unanswered('CONNECTION_LOST'));
      else this.#request(request).then(resolve, reject);
    }
  }

  #watchFor(from: string, resource: string): void {
    this.#perform({ kind: 'watch', resource }, from).catch((error: unknown) => {
      this.#listener.onError(asRejoinError(error));
    });
  }

  #watchedByAnyone(): string[] {
    return [this.#watches.keys(), ...[...this.#tabs.values()].map(({ watches }) => watches)].flatMap((all) => [...all]);
  }

  #introduce(): void {
    this.#say({ kind: 'tab', position: this.#listener.position, watches: [...this.#watches.keys()] });
  }

  #say(message: Message, to?: string): void {
    this.#channel?.postMessage({ ...message, from: this.#id, to });
  }

  async #perform(request: Request, from: string): Promise<unknown> {
    if (request.kind === 'call') return this.#socket.call(request.command, request.payload);
    const { kind, resource } = request;
    const watches = this.#tabs.get(from)?.watches;
    const has = watches?.has(resource) ?? false;
    if (kind === 'watch') {
      watches?.add(resource);
      if (!has) await this.#socket.watch(resource);
      return;
    }
    watches?.delete(resource);
    this.#socket.unwatch(resource);
  }
}

/** A connection that all tabs of a user share, where the browser has the means. */
export function sharedByTabs(options: ClientOptions, listener: LinkListener): Link {
  const possible = typeof BroadcastChannel === 'function' && !!globalThis.navigator?.locks;
  return new (possible ? TabLink : SocketLink)(options, listener);
}

function unanswered(code: 'TIMEOUT' | 'CONNECTION_LOST'): RejoinError {
  return new RejoinError(code, 'the leading tab did not answer', { retryable: true });
}

function failureOf({ code, message, retryable, retryAfterMs }: RejoinError): Failure {
  return { code, message, retryable, retryAfterMs };
}

function errorOf(failure: Failure): RejoinError {
  return new RejoinError(failure.code, failure.message, failure);
}

function brokenHistory(from: string, oldest: string, watching: readonly string[]): Arrival {
  return {
    kind: 'ready',
    ready: { replay: { status: 'gap', count: 0, reason: 'epoch', from, oldest }, watching },
    cursor: oldest,
  };
}
