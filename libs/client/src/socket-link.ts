import type { Ready, Refusal } from '@rejoin/protocol';
import { io, type Socket } from 'socket.io-client';
import { Backoff } from './backoff.ts';
import { asRejoinError, passing, RejoinError, refused, UnauthorizedError } from './errors.ts';
import type { ReceivedEvent } from './event-map.ts';
import { identityOf } from './identity.ts';
import type { Link, LinkListener } from './link.ts';
import { type ClientOptions, DEFAULT_TIMEOUT_MS } from './options.ts';
import type { ClientState } from './state.ts';
import { Watches } from './watches.ts';

/** New tokens that a gateway may call expired, one after the other. */
const MAX_EXPIRED_TOKENS = 3;
/** How long a connection may take to show that it is alive, in milliseconds. */
const PROBE_MS = 5_000;

type Answer = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: Refusal };

/**
 * One connection after the other, over one stock Socket.IO client, which keeps the `pid`. When to try again is decided here: a
 * stock client neither heeds `retryAfterMs` nor comes back after a refusal.
 */
export class SocketLink implements Link {
  readonly leads = true;
  readonly #options: ClientOptions;
  readonly #listener: LinkListener;
  #state: ClientState = 'idle';
  readonly #backoff: Backoff;
  readonly #watches: Watches;
  readonly #timeoutMs: number;
  readonly #socket: Socket;
  #identity: string | undefined;
  /** The position that the connection resumes from. */
  #presented: string | undefined;
  /** What the gateway said before it ended the connection. */
  #closing: Refusal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  /** Changes when an attempt is given up, so that what it still awaits leads nowhere. */
  #attempt = 0;
  #gateway = 0;
  /** Waits for handlers, or for the time that the gateway named: nothing else ends it. */
  #patient = false;
  #expiredTokens = 0;

  constructor(options: ClientOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
    this.#backoff = new Backoff(options.backoff);
    this.#socket = this.#createSocket();
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#watches = new Watches(
      (resource, verb) => this.call(...(options.watchCommand ?? conventionalCommand)(resource, verb)),
      (error) => listener.onError(error),
    );
  }

  connect(): void {
    if (!['connecting', 'replaying', 'live'].includes(this.#state)) void this.#open();
  }

  disconnect(): void {
    this.#giveUp();
    this.#set('idle');
  }

  pause(): void {
    this.#giveUp();
    this.#patient = true;
    this.#set('waiting', passing('BACKLOG_FULL'));
  }

  resume(): void {
    this.#giveUp();
    void this.#open();
  }

  wake(): void {
    if (this.#state === 'waiting' && !this.#patient) {
      this.#backoff.reset();
      this.resume();
    } else if (this.#state === 'live') {
      const attempt = this.#attempt;
      // Any answer will do, also that there is no such command.
      this.#socket.timeout(PROBE_MS).emit('rejoin:probe', {}, (silence: Error | null) => {
        if (silence && attempt === this.#attempt) this.#socket.io.engine?.close();
      });
    }
  }

  async call(command: string, payload: object): Promise<unknown> {
    let answer: Answer;
    try {
      answer = (await this.#socket.timeout(this.#timeoutMs).emitWithAck(command, payload)) as Answer;
    } catch (cause) {
      throw passing(this.#socket.connected ? 'TIMEOUT' : 'CONNECTION_LOST', cause);
    }
    if (!answer.ok) throw refused(answer.error);
    return answer.data;
  }

  /** @param holder who watches it: a resource is watched until nobody does */
  watch(resource: string, holder = ''): Promise<void> {
    return this.#watches.add(resource, holder);
  }

  unwatch(resource: string, holder = ''): void {
    this.#watches.remove(resource, holder);
  }

  /** Somebody is gone, or everybody, and watches nothing any more. */
  forget(holder?: string): void {
    for (const resource of this.#watches.resources) this.#watches.remove(resource, holder);
  }

  acknowledge(cursor: string): void {
    // The next one says more than a repetition of this one would.
    if (this.#state === 'live') this.#socket.emit('session:ack', { cursor }, () => undefined);
  }

  #set(state: ClientState, cause: RejoinError | null = null): void {
    this.#state = state;
    if (state !== 'live') this.#watches.suspend();
    this.#listener.onState(state, cause);
  }

  /** Ends whatever goes on: the connection, an attempt, the wait for one. */
  #giveUp(): void {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#refreshTimer);
    this.#socket.disconnect();
    this.#closing = undefined;
  }

  async #open(): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#set('connecting');
    this.#limit();
    try {
      const token = await this.#token();
      if (attempt !== this.#attempt) return;
      // A follower of another tab waits here for its turn, which is no failure.
      clearTimeout(this.#timer);
      this.#identity = this.#identify(token);
      await this.#listener.onIdentity(this.#identity);
      if (attempt !== this.#attempt) return;
      this.#limit();
      const cursor = this.#listener.position();
      this.#presented = cursor;
      const { events } = this.#options;
      // Nothing but this decides where it resumes: the stock client's own offset is overruled.
      this.#socket.auth = { token, events, watch: this.#watches.resources, cursor, offset: cursor };
      (this.#socket.io as unknown as { uri: string }).uri = this.#url();
      this.#socket.connect();
    } catch (error) {
      if (attempt === this.#attempt) this.#lost(asRejoinError(error));
    }
  }

  /** This step of an attempt must be done in time. */
  #limit(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(passing('TIMEOUT')), this.#timeoutMs);
  }

  async #token(): Promise<string> {
    try {
      return await this.#options.token();
    } catch (cause) {
      const retryable = !(cause instanceof UnauthorizedError);
      throw new RejoinError('TOKEN_FAILED', { retryable, cause });
    }
  }

  #identify(token: string): string {
    return identityOf(token, this.#options.tenantClaim);
  }

  #url(): string {
    const { url } = this.#options;
    if (typeof url === 'function') return url();
    const urls = [url].flat();
    return urls[this.#gateway % urls.length] as string;
  }

  #createSocket(): Socket {
    const socket = io(this.#url(), {
      transports: ['websocket'],
      ...this.#options.socket,
      autoConnect: false,
      reconnection: false,
      forceNew: true,
    });
    socket.on('connect', () => {
      clearTimeout(this.#timer);
      this.#set('replaying');
      this.#listener.onArrival({ kind: 'begin', cursor: this.#presented });
    });
    socket.on('connect_error', (error: Error & { readonly data?: Refusal }) => {
      this.#lost(
        error.data?.code
          ? new RejoinError(error.data.code, { ...error.data, message: error.message })
          : passing('CONNECTION_LOST', error),
      );
    });
    socket.on('disconnect', (reason) => {
      if (reason === 'io client disconnect') return;
      this.#lost(this.#closing ? refused(this.#closing) : passing('CONNECTION_LOST', reason));
    });
    socket.onAny((name: string, first: unknown, cursor: unknown) => this.#receive(name, first, cursor));
    return socket;
  }

  #receive(name: string, first: unknown, cursor: unknown): void {
    if (name === 'rejoin:closing') this.#closing = first as Refusal;
    else if (name === 'session:expiring') this.#refreshWithin((first as { expiresInMs: number }).expiresInMs);
    else if (typeof cursor !== 'string') return;
    else if (name === 'rejoin:cursor') this.#listener.onArrival({ kind: 'cursor', cursor });
    else if (name === 'rejoin:ready') {
      this.#backoff.reset();
      this.#expiredTokens = 0;
      this.#listener.onArrival({ kind: 'ready', replay: (first as Ready).replay, cursor });
      this.#set('live');
      this.#watches.reconcile((first as Ready).watching);
    } else this.#listener.onArrival({ kind: 'event', event: first as ReceivedEvent, cursor });
  }

  /** No connection, and not by our wish. */
  #lost(error: RejoinError): void {
    this.#giveUp();
    this.#gateway += 1;
    const mayRenew = error.code === 'AUTH_EXPIRED' && this.#expiredTokens < MAX_EXPIRED_TOKENS;
    if (mayRenew) this.#expiredTokens += 1;
    if (!error.retryable && !mayRenew) {
      this.#set('stopped', error);
      return;
    }
    this.#patient = error.retryAfterMs !== undefined;
    this.#timer = setTimeout(() => void this.#open(), this.#backoff.next(error.retryAfterMs));
    this.#set('waiting', error);
  }

  /** At some time in the first half of what is left: not all clients at once, and with time for another try. */
  #refreshWithin(expiresInMs: number): void {
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(() => void this.#refresh(expiresInMs), (expiresInMs / 4) * (1 + Math.random()));
  }

  async #refresh(expiresInMs: number): Promise<void> {
    const attempt = this.#attempt;
    try {
      const token = await this.#token();
      if (attempt !== this.#attempt) return;
      // Somebody else signed in: a connection of their own is opened.
      if (this.#identify(token) !== this.#identity) this.resume();
      else await this.call('session:refresh', { token });
    } catch (cause) {
      if (attempt !== this.#attempt) return;
      const error = asRejoinError(cause);
      // Where nothing helps, the connection ends with its token, and the next one brings a new token.
      if (error.retryable) this.#refreshWithin(expiresInMs / 2);
      else this.#listener.onError(error);
    }
  }
}

function conventionalCommand(resource: string, verb: 'watch' | 'unwatch'): [string, object] {
  const [kind, id] = resource.split(/:(.*)/s);
  return [`${kind}s:${verb}`, { [`${kind}Id`]: id }];
}
