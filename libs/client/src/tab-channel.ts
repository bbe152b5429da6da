import { asRejoinError, passing, type RejoinError, refused } from './errors.ts';
import type { Arrival } from './link.ts';
import type { ClientState } from './state.ts';

/** What only the leader can do: a method of its connection, and what it is given. */
export type Request =
  | readonly [method: 'call', command: string, payload: object]
  | readonly [method: 'watch' | 'unwatch', resource: string];

/** An error as it crosses a channel, which keeps no classes. */
type Failure = Pick<RejoinError, 'code' | 'message' | 'retryable' | 'retryAfterMs'>;

export interface StateMessage {
  readonly kind: 'state';
  readonly state: ClientState;
  readonly failure: Failure | null;
}

type Message =
  /** A tab says where it is: it is new, or there is a new leader, or it has missed something. */
  | { readonly kind: 'tab'; readonly position: string | undefined; readonly watched: readonly string[] }
  | { readonly kind: 'bye' }
  | { readonly kind: 'request'; readonly id: number; readonly request: Request }
  | { readonly kind: 'answer'; readonly id: number; readonly data?: unknown; readonly failure?: Failure }
  /** There is a new leader. */
  | { readonly kind: 'lead' }
  | StateMessage
  /** Who has not received everything up to `after` has missed something. */
  | { readonly kind: 'arrival'; readonly arrival: Arrival; readonly after: string | undefined };

export type Heard = Message & { readonly from: string };
type Addressed = Heard & { readonly to: string };

export interface TabChannelListener {
  /** What the others say, requests and answers excepted. */
  onMessage(message: Heard): void;
  /** A request of this tab, which leads, or of another. @throws RejoinError */
  perform(request: Request, from: string): Promise<unknown>;
}

interface Pending {
  readonly request: Request;
  resolve(data: unknown): void;
  reject(error: RejoinError): void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const LEADER = 'leader';
const TABS = 'tabs';

/** What the tabs of a user say to each other, and requests that the leader performs for all. */
export class TabChannel {
  readonly id = Math.random().toString(36).slice(2);
  /** Whether this tab is the leader, and performs and answers. */
  leads = false;
  readonly #timeoutMs: number;
  readonly #listener: TabChannelListener;
  /** Those of before the channel is open are made when it is. */
  readonly #pending = new Map<number, Pending>();
  #channel: BroadcastChannel | undefined;
  #requests = 0;

  constructor(timeoutMs: number, listener: TabChannelListener) {
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  get name(): string | undefined {
    return this.#channel?.name;
  }

  open(name: string): void {
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<Addressed>) => this.#hear(data);
    this.requestAgain();
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined;
    this.leads = false;
    for (const id of this.#pending.keys()) this.#end(id)?.reject(passing('CONNECTION_LOST'));
  }

  /** @param to a tab; by default the leader says it to all others, and each of them to the leader */
  say(message: Message, to = this.leads ? TABS : LEADER): void {
    this.#channel?.postMessage({ ...message, from: this.id, to });
  }

  /** @throws RejoinError */
  request(...request: Request): Promise<unknown> {
    if (this.leads) return this.#listener.perform(request, this.id);
    return new Promise((resolve, reject) => {
      this.#requests += 1;
      const id = this.#requests;
      const timer = setTimeout(() => this.#end(id)?.reject(passing('TIMEOUT')), this.#timeoutMs);
      this.#pending.set(id, { request, resolve, reject, timer });
      this.say({ kind: 'request', id, request });
    });
  }

  /** The leader has changed. Watches are asked for again; what a call did nobody knows. */
  requestAgain(): void {
    for (const [id, { request, resolve, reject }] of [...this.#pending]) {
      this.#end(id);
      if (request[0] === 'call') reject(passing('CONNECTION_LOST'));
      else this.request(...request).then(resolve, reject);
    }
  }

  /** The request is over; whoever gets it settles it. */
  #end(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    clearTimeout(pending?.timer);
    this.#pending.delete(id);
    return pending;
  }

  #hear(message: Addressed): void {
    const { to, from } = message;
    if (to !== this.id && to !== (this.leads ? LEADER : TABS)) return;
    if (message.kind === 'request') {
      const { id } = message;
      this.#listener.perform(message.request, from).then(
        (data) => this.say({ kind: 'answer', id, data }, from),
        (error: unknown) => this.say({ kind: 'answer', id, failure: failureOf(asRejoinError(error)) }, from),
      );
    } else if (message.kind === 'answer') {
      const pending = this.#end(message.id);
      if (message.failure) pending?.reject(refused(message.failure));
      else pending?.resolve(message.data);
    } else this.#listener.onMessage(message);
  }
}

export function failureOf({ code, message, retryable, retryAfterMs }: RejoinError): Failure {
  return { code, message, retryable, retryAfterMs };
}
