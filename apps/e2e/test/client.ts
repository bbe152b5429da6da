import type { Socket as NetSocket } from 'node:net';
import type { Refusal, ReplayReport } from '@rejoin/protocol';
import { EventRecorder, type EventuallyOptions, eventually, tokenFor } from '@rejoin/testing';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';

export interface ClientOptions {
  readonly url: string;
  readonly tenant: string;
  readonly user: string;
  readonly roles?: readonly string[];
  /** Of its token, besides who it is. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Besides the token: `cursor`, `watch`, `events`. */
  readonly auth?: Readonly<Record<string, unknown>>;
  readonly socket?: Partial<ManagerOptions & SocketOptions>;
}

/** A busy machine is no failure. */
const PATIENT: EventuallyOptions = { timeoutMs: 20_000 };

/**
 * A stock Socket.IO client and everything that it is handed. A refusal that says it is retryable makes it try again after the
 * time that it names; a stock client leaves that to its application.
 */
export class Client {
  readonly socket: Socket;
  readonly recorder: EventRecorder;
  readonly tenant: string;
  /** The audience tokens that its token grants, and what it watches. */
  readonly audiences: ReadonlySet<string>;
  /** Reasons of its disconnections, in their order. */
  readonly disconnects: string[] = [];
  /** What its connections were refused with, in their order. */
  readonly refusals: Partial<Refusal>[] = [];

  #closed = false;

  constructor({ url, tenant, user, roles = [], claims = {}, auth = {}, socket = {} }: ClientOptions) {
    this.tenant = tenant;
    const watched = Array.isArray(auth.watch) ? (auth.watch as string[]) : [];
    this.audiences = new Set(['tenant', `user:${user}`, ...roles.map((role) => `role:${role}`), ...watched]);
    this.socket = io(url, {
      auth: { token: tokenFor({ tenant, sub: user, roles, claims }), ...auth },
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 200,
      ...socket,
    });
    this.socket.on('connect_error', (error: Error & { readonly data?: Partial<Refusal> }) => {
      if (error.data) this.refusals.push(error.data);
      if (error.data?.retryable) setTimeout(() => this.#connect(), error.data.retryAfterMs ?? 0).unref();
    });
    this.socket.on('disconnect', (reason) => this.disconnects.push(reason));
    this.recorder = new EventRecorder(this.socket);
  }

  /** What a stock client keeps to be recovered by. */
  get pid(): string {
    return (this.socket as unknown as { _pid: string })._pid;
  }

  /** How each of its connections began. */
  get replays(): ReplayReport[] {
    return this.recorder.readies.map(({ ready }) => ready.replay);
  }

  /** Whether an event with this audience is for it. */
  sees(tenant: string, audience: string): boolean {
    return tenant === this.tenant && audience.split(',').some((token) => this.audiences.has(token));
  }

  /** Resolves when it was told for the `count`th time that it is live. */
  async ready(count = 1, options: EventuallyOptions = {}): Promise<void> {
    await eventually(
      () => {
        const { length } = this.recorder.readies;
        if (length < count) throw new Error(`ready ${length} times of ${count}`);
      },
      { ...PATIENT, ...options },
    );
  }

  /** Its next connections go to another gateway. */
  moveTo(url: string): void {
    (this.socket.io as unknown as { uri: string }).uri = url;
  }

  /** Ends the network connection under the client, which then reconnects by itself. */
  cut(): void {
    this.socket.io.engine.close();
  }

  /** Reads nothing more from its connection until `read()`: the kernel's buffers fill, then the gateway's. */
  stopReading(): void {
    this.#net.pause();
  }

  read(): void {
    this.#net.resume();
  }

  close(): void {
    this.#closed = true;
    this.socket.disconnect();
    this.recorder.detach();
  }

  /** Resolves when exactly these events came, each once, in this order. */
  async delivered(ids: readonly string[], options: EventuallyOptions = {}): Promise<void> {
    await eventually(() => this.recorder.assertDelivered(ids), { ...PATIENT, ...options });
  }

  get #net(): NetSocket {
    return (this.socket.io.engine.transport as unknown as { readonly ws: { readonly _socket: NetSocket } }).ws._socket;
  }

  #connect(): void {
    if (!this.#closed) this.socket.connect();
  }
}
