import type { Ready, Refusal } from '@rejoin/protocol';
import { io, type Socket } from 'socket.io-client';
import { Backoff } from './backoff.ts';
import { asRejoinError, RejoinError, refused, UnauthorizedError } from './errors.ts';
import type { ReceivedEvent } from './event-map.ts';
import { identityOf } from './identity.ts';
import type { Link, LinkListener } from './link.ts';
import { type ClientOptions, DEFAULT_TIMEOUT_MS } from './options.ts';
import { StateMachine } from './state.ts';
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
  readonly #machine = new StateMachine();
  readonly #backoff: Backoff;
  readonly #watches: Watches;
  readonly #timeoutMs: number;
  readonly #tenantClaim: string;
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
  #expiredTokens = 0;

  constructor(options: ClientOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
    this.#backoff = new Backoff(options.backoff);
    this.#socket = this.#createSocket();
    this.#tenantClaim = options.tenantClaim ?? 'tenant_id';
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#watches = new Watches(
      (resource, verb) => this.call(...(options.watchCommand ?? conventionalCommand)(resource, verb)),
      (error) => listener.onError(error),
    );
    this.#machine.observe((state, cause) => {
      if (state !== 'live') this.#watches.suspend();
      listener.onState(state, cause);
    });
  }

  connect(): void {
    const { state } = this.#machine;
    if (state === 'connecting' || state === 'replaying' || state === 'live') return;
    this.#open();
  }

  disconnect(): void {
    this.#giveUp();
    this.#machine.set('idle');
  }

  pause(): void {
    this.#giveUp();
    this.#machine.set('waiting', new RejoinError('BACKLOG_FULL', 'handlers are behind', { retryable: true }));
  }

  resume(): void {
    this.#giveUp();
    this.#open();
  }

  wake(): void {
    const { state, cause } = this.#machine;
    if (state === 'waiting' && cause?.code !== 'BACKLOG_FULL') {
      this.#backoff.reset();
      this.resume();
    } else if (state === 'live') {
      const attempt = this.#attempt;
      // Any answer will do, also that there is no such command.
      this.#emit('rejoin:probe', {}, PROBE_MS).catch((error: unknown) => {
        if (asRejoinError(error).code === 'TIMEOUT' && attempt === this.#attempt) this.#socket.io.engine?.close();
      });
    }
  }

  call(command: string, payload: object): Promise<unknown> {
    return this.#emit(command, payload, this.#timeoutMs);
  }

  watch(resource: string): Promise<void> {
    return this.#watches.add(resource);
  }

  unwatch(resource: string): void {
    this.#watches.remove(resource);
  }

  acknowledge(cursor: string): void {
    // The next one says more than a repetition of this one would.
    if (this.#machine.state === 'live') this.#socket.emit('session:ack', { cursor }, () => undefined);
  }

  async #emit(command: string, payload: object, timeoutMs: number): Promise<unknown> {
    let answer: Answer;
    try {
      answer = (await this.#socket.timeout(timeoutMs).emitWithAck(command, payload)) as Answer;
    } catch (cause) {
      const code = this.#socket.connected ? 'TIMEOUT' : 'CONNECTION_LOST';
      throw new RejoinError(code, `${command} was not answered`, { retryable: true, cause });
    }
    if (!answer.ok) throw refused(answer.error);
    return answer.data;
  }

  /** Ends whatever goes on: the connection, an attempt, the wait for one. */
  #giveUp(): void {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#refreshTimer);
    this.#socket.disconnect();
    this.#closing = undefined;
  }

  #open(): void {
    clearTimeout(this.#timer);
    this.#attempt += 1;
    const attempt = this.#attempt;
    const isCurrent = (): boolean => attempt === this.#attempt;
    this.#machine.set('connecting');
    this.#limit();
    this.#prepare(isCurrent).catch((error: unknown) => {
      if (isCurrent()) this.#lost(asRejoinError(error));
    });
  }

  /** This step of an attempt must be done in time. */
  #limit(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#lost(new RejoinError('TIMEOUT', 'no connection in time', { retryable: true })),
      this.#timeoutMs,
    );
  }

  async #prepare(isCurrent: () => boolean): Promise<void> {
    let token = await this.#token();
    if (!isCurrent()) return;
    clearTimeout(this.#timer);
    this.#identity = identityOf(token, this.#tenantClaim);
    const late = await this.#listener.onIdentity(this.#identity);
    if (!isCurrent()) return;
    this.#limit();
    if (late) {
      token = await this.#token();
      if (!isCurrent()) return;
      if (identityOf(token, this.#tenantClaim) !== this.#identity) return this.resume();
    }
    const { position } = this.#listener;
    const { events } = this.#options;
    this.#presented = position;
    // Nothing but this decides where it resumes: the stock client's own offset is overruled.
    this.#socket.auth = { token, events, watch: this.#watches.resources, cursor: position, offset: position };
    (this.#socket.io as unknown as { uri: string }).uri = this.#url();
    this.#socket.connect();
  }

  async #token(): Promise<string> {
    try {
      return await this.#options.token();
    } catch (cause) {
      const retryable = !(cause instanceof UnauthorizedError);
      throw new RejoinError('TOKEN_FAILED', 'token() failed', { retryable, cause });
    }
  }

  #url(): string {
    const { url } = this.#options;
    if (typeof url === 'function') return url();
    return typeof url === 'string' ? url : (url[this.#gateway % url.length] as string);
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
      this.#machine.set('replaying');
      this.#listener.onArrival({ kind: 'begin', position: this.#presented });
    });
    socket.on('connect_error', (error: Error & { readonly data?: Refusal }) => {
      this.#lost(
        error.data?.code
          ? refused({ ...error.data, message: error.message })
          : new RejoinError('CONNECTION_LOST', 'the gateway does not answer', { retryable: true, cause: error }),
      );
    });
    socket.on('disconnect', (reason) => {
      if (reason === 'io client disconnect') return;
      this.#lost(
        this.#closing
          ? refused(this.#closing)
          : new RejoinError('CONNECTION_LOST', `the connection ended: ${reason}`, { retryable: true }),
      );
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
      this.#listener.onArrival({ kind: 'ready', ready: first as Ready, cursor });
      this.#machine.set('live');
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
      this.#machine.set('stopped', error);
      return;
    }
    this.#timer = setTimeout(() => this.#open(), this.#backoff.next(error.retryAfterMs));
    this.#machine.set('waiting', error);
  }

  /** At some time in the first half of what is left: not all clients at once, and with time for another try. */
  #refreshWithin(expiresInMs: number): void {
    clearTimeout(this.#refreshTimer);
    this.#refreshTimer = setTimeout(
      () => {
        const attempt = this.#attempt;
        this.#refresh().catch((cause: unknown) => {
          if (attempt !== this.#attempt) return;
          const error = asRejoinError(cause);
          // Where nothing helps, the connection ends with its token, and the next one brings a new token.
          if (error.retryable) this.#refreshWithin(expiresInMs / 2);
          else this.#listener.onError(error);
        });
      },
      (expiresInMs / 4) * (1 + Math.random()),
    );
  }

  async #refresh(): Promise<void> {
    const attempt = this.#attempt;
    const token = await this.#token();
    if (attempt !== this.#attempt) return;
    // Somebody else signed in: a connection of their own is opened.
    if (identityOf(token, this.#tenantClaim) !== this.#identity) this.resume();
    else await this.call('session:refresh', { token });
  }
}

function conventionalCommand(resource: string, verb: 'watch' | 'unwatch'): [string, object] {
  const colon = resource.indexOf(':');
  const kind = resource.slice(0, colon);
  return [`${kind}s:${verb}`, { [`${kind}Id`]: resource.slice(colon + 1) }];
}
