import { eventually } from '@rejoin/testing';
import { Socket } from 'engine.io-client';

/** A connection below Socket.IO, which shows every packet that comes over the wire, whether it was asked for or not. */
export class RawConnection {
  /** Packets as they came, each `<engine type>:<content>`. */
  readonly packets: string[] = [];
  readonly #engine: Socket;
  #closed = false;

  constructor(url: string, transport: 'websocket' | 'polling') {
    this.#engine = new Socket(url, { path: '/socket.io/', transports: [transport] });
    this.#engine.on('packet', ({ type, data }) => this.packets.push(`${type}:${data ?? ''}`));
    this.#engine.on('close', () => {
      this.#closed = true;
    });
  }

  /** The same without Engine.IO's own: Socket.IO packets as text. */
  get messages(): string[] {
    return this.packets.filter((packet) => packet.startsWith('message:')).map((packet) => packet.slice(8));
  }

  get closed(): boolean {
    return this.#closed;
  }

  async opened(): Promise<void> {
    await eventually(() => this.packets.some((packet) => packet.startsWith('open:')));
  }

  /** Asks for the main namespace, as a Socket.IO client does with its `auth`. */
  requestNamespace(auth: object): void {
    this.#engine.send(`0${JSON.stringify(auth)}`);
  }

  close(): void {
    this.#engine.close();
  }
}
