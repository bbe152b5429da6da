import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Ready, type Refusal, refusal, type WireCode } from '@rejoin/protocol';
import { eventually } from '@rejoin/testing';
import { Server, type Socket } from 'socket.io';

export type Handshake = Readonly<Record<string, unknown>>;
type Command = (payload: unknown) => unknown;

/** A Socket.IO server that does what a test says, in place of a gateway: it keeps the protocol only as far as the test does. */
export class ScriptedGateway {
  readonly url: string;
  /** What clients put into `auth`, connection by connection. */
  readonly handshakes: Handshake[] = [];
  /** Commands as they came. */
  readonly commands: { readonly name: string; readonly payload: unknown; readonly ok: boolean }[] = [];
  readonly sockets: Socket[] = [];
  /** Answers to the next connections; who finds none is let in. */
  readonly refusals: Refusal[] = [];
  /** By command; others are answered with success. A thrown refusal is the answer. */
  readonly answers = new Map<string, Command>();
  /** What is sent to a connection at once. */
  onConnect: (socket: Socket) => void = () => undefined;
  readonly #stop: () => Promise<void>;

  private constructor(server: Server, url: string, stop: () => Promise<void>) {
    this.url = url;
    this.#stop = stop;
    server.use((socket, next) => {
      this.handshakes.push(socket.handshake.auth);
      const refusal = this.refusals.shift();
      if (refusal) next(Object.assign(new Error(refusal.code), { data: refusal }));
      else next();
    });
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(): Promise<ScriptedGateway> {
    const http = createServer();
    const server = new Server(http, { transports: ['websocket'], connectionStateRecovery: {} });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const stop = async (): Promise<void> => {
      await server.close();
      http.closeAllConnections();
    };
    return new ScriptedGateway(server, `http://127.0.0.1:${(http.address() as AddressInfo).port}`, stop);
  }

  /** The newest connection. */
  get socket(): Socket {
    return this.sockets.at(-1) as Socket;
  }

  /** Resolves when the `count`th connection was let in. */
  async connected(count: number): Promise<Socket> {
    await eventually(() => this.sockets.length >= count);
    return this.sockets[count - 1] as Socket;
  }

  event(id: string, cursor: string, type = 'order.paid', data: unknown = {}): void {
    this.socket.emit(type, { id, type, time: '2026-01-31T12:00:00Z', data }, cursor);
  }

  ready(
    cursor: string,
    replay: Ready['replay'] = { status: 'none', count: 0 },
    watching: readonly string[] = [],
  ): void {
    this.socket.emit('rejoin:ready', { replay, watching }, cursor);
  }

  /** Ends the connection with the gateway's reason. */
  close(refusal: Refusal): void {
    this.socket.emit('rejoin:closing', refusal);
    this.socket.conn.close();
  }

  /** Ends the network connection without a word. */
  cut(): void {
    (this.socket.conn.transport as unknown as { socket: { terminate(): void } }).socket.terminate();
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  #serve(socket: Socket): void {
    this.sockets.push(socket);
    socket.onAny((name: string, payload: unknown, answer: unknown) => {
      const result = this.#run(name, payload);
      this.commands.push({ name, payload, ok: result.ok });
      if (typeof answer === 'function') answer(result);
    });
    this.onConnect(socket);
  }

  #run(name: string, payload: unknown): { readonly ok: boolean } {
    try {
      return Object.assign({ ok: true }, { data: this.answers.get(name)?.(payload) ?? null });
    } catch (error) {
      return Object.assign({ ok: false }, { error: { ...(error as object), message: (error as Error).message } });
    }
  }
}

/** To be thrown by a command that is to be refused. */
export function refusedCommand(code: WireCode): Error {
  return Object.assign(new Error(code), refusal(code));
}

/** The cursor of the nth event of a history. */
export const cursorOf = (n: number, epoch = 'epoch'): string => `${epoch}.0.1000-${n}`;
