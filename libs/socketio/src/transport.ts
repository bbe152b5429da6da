import type { Socket as NetSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { EncodedPacket, WriteOptions } from './packet.ts';

/** What is used of Engine.IO's server side socket. Its type is not exported by socket.io. */
interface EngineSocket {
  readonly readyState: 'opening' | 'open' | 'closing' | 'closed';
  readonly writeBuffer: readonly { readonly data?: string | Buffer; readonly options?: Partial<WriteOptions> }[];
  readonly transport: EngineTransport;
  write(data: string, options: WriteOptions): unknown;
  close(discard?: boolean): void;
  on(event: 'flush', listener: (buffer: readonly unknown[]) => void): unknown;
  once(event: 'close' | 'upgrade', listener: () => void): unknown;
  off(event: 'close' | 'upgrade', listener: () => void): unknown;
}

interface EngineTransport {
  readonly name: string;
  /** Long-polling: how long a close waits for the client's next request, in milliseconds. */
  closeTimeout?: number;
  readonly writable: boolean;
  /** Not `null` where frames are to be compressed. */
  readonly perMessageDeflate?: unknown;
  /** The WebSocket, where the transport is one. */
  readonly socket?: {
    readonly bufferedAmount: number;
    readonly _socket?: NetSocket;
    readonly _sender?: { readonly sendFrame?: unknown };
    terminate(): void;
  };
  once(event: 'ready', listener: () => void): unknown;
  off(event: 'ready', listener: () => void): unknown;
}

/** The write side of one client connection: what waits in it, when it is empty, and how to end it. */
export class ClientTransport {
  readonly #conn: EngineSocket;
  #engineBytes = 0;
  /** The transport that `#frames` is about. */
  #asked: EngineTransport | undefined;
  #frames = false;

  /** @param closeTimeoutMs how long a close may wait for a client that polls, in milliseconds; Engine.IO waits for 30 s */
  constructor(socket: Socket, closeTimeoutMs: number) {
    this.#conn = socket.conn as unknown as EngineSocket;
    if (this.#conn.transport.name === 'polling') this.#conn.transport.closeTimeout = closeTimeoutMs;
    this.#conn.on('flush', (buffer) => {
      this.#engineBytes = 0;
      if (buffer.length > 1) this.#cork();
    });
  }

  get name(): string {
    return this.#conn.transport.name;
  }

  /** Writes an encoded packet; the caller watches `bufferedBytes`. */
  write(packet: EncodedPacket): void {
    // The text is made only for a transport that does not take the frame in its place.
    this.#conn.write(this.#takesFrames ? '' : packet.text, packet.options);
    this.#engineBytes = this.#conn.writeBuffer.length === 0 ? 0 : this.#engineBytes + packet.bytes;
  }

  /** Counts what waits in Engine.IO's buffer anew; for what others wrote. */
  recount(): void {
    this.#engineBytes = 0;
    for (const { data, options } of this.#conn.writeBuffer) {
      const frame = options?.wsPreEncodedFrame?.[0];
      this.#engineBytes += frame?.length ?? (typeof data === 'string' ? Buffer.byteLength(data) : (data?.length ?? 0));
    }
  }

  /** Whether Engine.IO sends frames as they are: see `_canSendPreEncodedFrame` of its WebSocket transport. */
  get #takesFrames(): boolean {
    const { transport } = this.#conn;
    if (transport !== this.#asked) {
      this.#asked = transport;
      const { name, perMessageDeflate, socket } = transport;
      this.#frames = name === 'websocket' && !perMessageDeflate && typeof socket?._sender?.sendFrame === 'function';
    }
    return this.#frames;
  }

  /** Bytes that wait here for a client that does not read: Engine.IO's buffer and the WebSocket's own backlog. */
  get bufferedBytes(): number {
    return this.#engineBytes + (this.#conn.transport.socket?.bufferedAmount ?? 0);
  }

  /** Resolves when everything written has been handed to the kernel, or the connection has ended. */
  async drained(): Promise<void> {
    while (
      this.#conn.readyState === 'open' &&
      !(this.#conn.transport.writable && this.#conn.writeBuffer.length === 0)
    ) {
      await this.#nextChange();
    }
  }

  /** Ends the connection so that a stock client reconnects by itself. What was written is sent first. */
  close(): void {
    this.#conn.close();
  }

  /** Ends the connection at once, without waiting for a client that does not read. */
  terminate(): void {
    this.#conn.transport.socket?.terminate();
    this.#conn.close(true);
  }

  /** Hands a burst of frames to the kernel in one system call instead of one each. */
  #cork(): void {
    const net = this.#conn.transport.socket?._socket;
    if (!net) return;
    net.cork();
    process.nextTick(() => net.uncork());
  }

  #nextChange(): Promise<void> {
    const { transport } = this.#conn;
    return new Promise((resolve) => {
      const done = (): void => {
        transport.off('ready', done);
        this.#conn.off('upgrade', done);
        this.#conn.off('close', done);
        resolve();
      };
      transport.once('ready', done);
      this.#conn.once('upgrade', done);
      this.#conn.once('close', done);
    });
  }
}
