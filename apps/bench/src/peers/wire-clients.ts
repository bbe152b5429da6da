import WebSocket from 'ws';
import { monotonicMs } from '../clock.ts';
import { servePeer } from './serve-peer.ts';
import type { WireCalls } from './wire-calls.ts';

/** Connections that are opened at once. */
const SLICE = 50;

const clients: WireClient[] = [];
let lastReceivedAtMs = 0;
let onEvent: (() => void) | undefined;

/** As little of a client as may be, so that the server is what is measured. */
class WireClient {
  received = 0;
  readonly ready: Promise<void>;
  readonly #socket: WebSocket;

  constructor(url: string, token: string | null, readyPacket: string) {
    const target = token === null ? url : `${url}/socket.io/?EIO=4&transport=websocket`;
    this.#socket = new WebSocket(target.replace(/^http/, 'ws'), { perMessageDeflate: false });
    this.ready = new Promise((resolve, reject) => {
      this.#socket.on('error', reject);
      this.#socket.on('close', () => reject(new Error('a connection was closed')));
      if (token === null) this.#socket.on('open', () => resolve());
      this.#socket.on('message', (data: Buffer) => {
        if (token === null || isEvent(data)) this.#count();
        else this.#serve(data, token, readyPacket, resolve);
      });
    });
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  stall(): void {
    this.#socket.pause();
  }

  #count(): void {
    this.received += 1;
    lastReceivedAtMs = monotonicMs();
    onEvent?.();
  }

  #serve(data: Buffer, token: string, readyPacket: string, ready: () => void): void {
    const packet = data.toString();
    if (packet.startsWith('0')) this.#socket.send(`40${JSON.stringify({ token })}`);
    else if (packet === '2') this.#socket.send('3');
    else if (packet.startsWith(readyPacket)) ready();
  }
}

/** Whether it begins as `42["order.…`. */
function isEvent(data: Buffer): boolean {
  return data[0] === 0x34 && data[1] === 0x32 && data[4] === 0x6f;
}

const calls: WireCalls = {
  async connect({ url, tokens, readyPacket }) {
    for (let first = 0; first < tokens.length; first += SLICE) {
      const slice = tokens.slice(first, first + SLICE).map((token) => new WireClient(url, token, readyPacket));
      clients.push(...slice);
      await Promise.all(slice.map(({ ready }) => ready));
    }
  },

  async receive({ each, timeoutMs }) {
    const complete = (): boolean => clients.every(({ received }) => received >= each);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`not all events came within ${timeoutMs / 1_000} s`)), timeoutMs);
      // The last client is the last to be written to; the others are looked at when it has all.
      onEvent = () => {
        if ((clients.at(-1)?.received ?? 0) >= each && complete()) resolve();
      };
      onEvent();
    });
    clearTimeout(timer);
    onEvent = undefined;
    return { lastReceivedAtMs };
  },

  stall() {
    for (const client of clients) client.stall();
  },

  connected: () => clients.filter(({ open }) => open).length,
};

servePeer(calls);
