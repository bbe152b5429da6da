import { once } from 'node:events';
import { eventually } from '@rejoin/testing';
import WebSocket from 'ws';

const PING = '2';
/** A busy machine is no failure. */
const PATIENCE = { timeoutMs: 15_000 } as const;
const SEPARATOR = '\x1e';

/** A client that speaks Engine.IO over a bare WebSocket, packet by packet. */
export class RawWebSocket {
  readonly #socket: WebSocket;
  readonly #packets: (string | Buffer)[] = [];
  closed = false;
  /** Status of an HTTP answer in place of a WebSocket. */
  refusedWith: number | undefined;

  constructor(url: string, query = 'EIO=4&transport=websocket', headers: Readonly<Record<string, string>> = {}) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?${query}`, { headers });
    this.#socket.on('unexpected-response', (_request, response) => {
      this.refusedWith = response.statusCode;
      this.closed = true;
    });
    this.#socket.on('message', (data, isBinary) =>
      this.#packets.push(isBinary ? (data as Buffer) : (data as Buffer).toString()),
    );
    this.#socket.on('close', () => {
      this.closed = true;
    });
    // What is refused fails, and is closed then.
    this.#socket.on('error', () => {
      this.closed = true;
    });
  }

  async opened(): Promise<void> {
    await once(this.#socket, 'open');
  }

  send(packet: string | Buffer): void {
    this.#socket.send(packet);
  }

  /** The next packet that is no ping. */
  async next(): Promise<string> {
    await eventually(() => {
      while (this.#packets[0] === PING) this.#packets.shift();
      return this.#packets.length > 0;
    }, PATIENCE);
    return String(this.#packets.shift());
  }

  /** The next packet that begins so; what comes before is passed over. */
  async find(beginning: string): Promise<string> {
    for (;;) {
      const packet = await this.next();
      if (packet.startsWith(beginning)) return packet;
    }
  }

  async ping(): Promise<void> {
    await eventually(() => this.#packets.includes(PING));
    this.#packets.splice(this.#packets.indexOf(PING), 1);
  }

  /** What came and was not asked for yet. */
  get pending(): readonly string[] {
    return this.#packets.map(String);
  }

  async ended(): Promise<boolean> {
    return eventually(() => this.closed, PATIENCE);
  }

  /** Reads nothing more: the kernel's buffers fill, then the gateway's. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Closes it as RFC 6455 says: by a frame that the other side answers. */
  hangUp(): void {
    this.#socket.close();
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** A client that speaks Engine.IO over HTTP long-polling, request by request. */
export class RawPolling {
  readonly sid: string;
  readonly #url: string;

  private constructor(url: string, sid: string) {
    this.#url = `${url}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
    this.sid = sid;
  }

  static async open(url: string): Promise<RawPolling> {
    const body = await (await fetch(`${url}/socket.io/?EIO=4&transport=polling`)).text();
    return new RawPolling(url, (JSON.parse(body.slice(1)) as { readonly sid: string }).sid);
  }

  get(): Promise<Response> {
    return fetch(this.#url);
  }

  /** Packets of one poll. */
  async poll(): Promise<string[]> {
    const response = await this.get();
    if (response.status !== 200) throw new Error(`polled, and answered ${response.status}`);
    return (await response.text()).split(SEPARATOR);
  }

  /** Polls until a packet begins so, and returns it. */
  async find(beginning: string): Promise<string> {
    for (;;) {
      const found = (await this.poll()).find((packet) => packet.startsWith(beginning));
      if (found !== undefined) return found;
    }
  }

  post(...packets: readonly string[]): Promise<Response> {
    return fetch(this.#url, { method: 'POST', body: packets.join(SEPARATOR) });
  }
}
