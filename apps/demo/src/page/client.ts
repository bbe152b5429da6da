import type { Ready, Refusal, ReplayReport } from '@rejoin/protocol';
import { io, type Socket } from 'socket.io-client';
import type { Member } from '../cast.ts';
import { type DemoEvent, Ledger } from './ledger.ts';

/**
 *     connecting ──connect──▶ replaying ──rejoin:ready──▶ live
 *       ▲   │  ▲                   │                       │
 *       │   │  └──── the connection is lost ───────────────┘
 *       │   └──refused for good──▶ refused
 *       └──restore()── cut ◀──cut()── any state
 */
export type ClientState = 'connecting' | 'replaying' | 'live' | 'cut' | 'refused';

/** How the last connection caught up. */
export interface CatchUp {
  readonly replay: ReplayReport;
  /** What the stock client says of it; `false` on another gateway, where it continues with `auth.cursor`. */
  readonly recovered: boolean;
  /** From the connection to `rejoin:ready`, in milliseconds. */
  readonly tookMs: number;
}

export interface ClientListener {
  /** Its state, gateway or numbers changed. */
  onChange(): void;
  onEvent(event: DemoEvent, cursor: string, replayed: boolean): void;
}

const RETRY_MS = 2_000;
/** Final for the token, not for the client: it fetches a new one each time. */
const TOKEN_REFUSALS = ['AUTH_REQUIRED', 'AUTH_EXPIRED'];

/** One member's client: a stock Socket.IO client, of which the page can cut the connection and change the gateway. */
export class DemoClient {
  readonly member: Member;
  readonly ledger: Ledger;
  state: ClientState = 'connecting';
  /** Why it is not connected. */
  problem = '';
  catchUp: CatchUp | null = null;
  /** The gateway it is on, or tries. */
  gateway: string;
  readonly #listener: ClientListener;
  #socket: Socket;
  #closing: Refusal | null = null;
  #connectedAt = 0;
  #resumes = false;
  #retry: number | undefined;

  constructor(member: Member, gateway: string, listener: ClientListener) {
    this.member = member;
    this.ledger = new Ledger(member.tenant);
    this.gateway = gateway;
    this.#listener = listener;
    this.#socket = this.#open();
  }

  /** Drops the connection without a good-bye, as a lost network does, and stays away. */
  cut(): void {
    this.#set('cut');
    this.#abandon();
  }

  /** Comes back: the stock client sends `pid` and `offset` by itself. */
  restore(): void {
    this.#set('connecting');
    this.#socket.connect();
  }

  /** Continues on another gateway, with a new socket that knows the cursor alone. */
  hop(gateway: string): void {
    this.close();
    this.gateway = gateway;
    this.#socket = this.#open(this.state !== 'cut');
    this.#set(this.state === 'cut' ? 'cut' : 'connecting');
  }

  close(): void {
    this.#socket.removeAllListeners();
    this.#abandon();
  }

  #abandon(): void {
    window.clearTimeout(this.#retry);
    this.#socket.io.engine?.close();
    this.#socket.disconnect();
  }

  #open(autoConnect = true): Socket {
    const socket = io(this.gateway, {
      autoConnect,
      forceNew: true,
      transports: ['websocket'],
      reconnectionDelay: 300,
      reconnectionDelayMax: RETRY_MS,
      auth: (send) => {
        const { cursor } = this.ledger;
        // Without a token it is refused, and tried again.
        fetchToken(this.member).then(
          (token) => send({ token, ...(cursor === undefined ? {} : { cursor }) }),
          () => send({}),
        );
      },
    });
    socket.on('connect', () => {
      this.#connectedAt = performance.now();
      this.#resumes = this.ledger.cursor !== undefined;
      this.#set('replaying');
    });
    socket.on('rejoin:ready', ({ replay }: Ready, cursor: string) => {
      this.ledger.cursor = cursor;
      if (replay.status === 'gap') this.ledger.giveUp();
      const tookMs = Math.round(performance.now() - this.#connectedAt);
      this.catchUp = { replay, recovered: socket.recovered, tookMs };
      this.#set('live');
    });
    socket.on('rejoin:cursor', (_nothing: object, cursor: string) => {
      this.ledger.cursor = cursor;
    });
    socket.on('rejoin:closing', (closing: Refusal) => {
      this.#closing = closing;
    });
    socket.on('session:expiring', () => {
      // Where this fails the connection ends with its token, and the next one brings a new token.
      fetchToken(this.member).then(
        (token) => socket.emit('session:refresh', { token }),
        (error: unknown) => console.warn('the session is not prolonged', error),
      );
    });
    socket.on('connect_error', (error: Error & { readonly data?: Refusal }) => {
      this.#onAway(error.data ?? null, error.data?.code ?? 'the gateway does not answer');
    });
    socket.on('disconnect', (reason) => {
      const closing = this.#closing;
      this.#closing = null;
      if (this.state !== 'cut') this.#onAway(closing, closing?.code ?? reason);
    });
    socket.onAny((type: string, event: DemoEvent, cursor: string) => {
      if (!/^(order|notification)\./.test(type)) return;
      this.ledger.receive(event, cursor);
      this.#listener.onEvent(event, cursor, this.#resumes && this.state === 'replaying');
    });
    return socket;
  }

  /** Not connected, and not by our wish. The stock client retries by itself where it was not the server's decision. */
  #onAway(refusal: Refusal | null, problem: string): void {
    this.problem = problem;
    const mayReturn = refusal === null || refusal.retryable || TOKEN_REFUSALS.includes(refusal.code);
    if (mayReturn && !this.#socket.active) {
      this.#retry = window.setTimeout(() => this.#socket.connect(), refusal?.retryAfterMs ?? RETRY_MS);
    }
    this.#set(mayReturn ? 'connecting' : 'refused');
  }

  #set(state: ClientState): void {
    this.state = state;
    if (state === 'live') this.problem = '';
    this.#listener.onChange();
  }
}

async function fetchToken({ tenant, id }: Member): Promise<string> {
  const response = await fetch('/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ tenant, user: id }),
  });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  return ((await response.json()) as { token: string }).token;
}
