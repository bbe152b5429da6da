import type { IncomingMessage } from 'node:http';
import type { WireCode } from '@rejoin/protocol';
import type { Socket } from 'socket.io';

type Transport = Socket['conn'];

/** How long closing a transport waits for a client that polls, in milliseconds; Engine.IO waits for 30 s. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface VestibuleOptions {
  /** Transports that may wait, in all and of one address. */
  readonly maxPending: number;
  readonly maxPendingPerAddress: number;
  /** The client's address; not a proxy's. */
  addressOf(request: IncomingMessage): string;
  /** Somebody was refused by a limit. */
  onLimited(scope: string): void;
}

interface Waiting {
  readonly address: string;
  onClose(): void;
}

/**
 * Transports that are open though nobody was admitted through them yet. Opening one takes no token, so their number is
 * bounded before anything is kept for them; how long each may stay is `handshakeTimeoutMs`.
 */
export class Vestibule {
  readonly #options: VestibuleOptions;
  readonly #waiting = new Map<Transport, Waiting>();
  readonly #byAddress = new Map<string, number>();

  constructor(options: VestibuleOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Why the request may not open a transport now; `null` where it may. */
  refuses(request: IncomingMessage): WireCode | null {
    const { maxPending, maxPendingPerAddress, addressOf, onLimited } = this.#options;
    if (this.#waiting.size >= maxPending) {
      onLimited('pending');
      return 'OVERLOADED';
    }
    if ((this.#byAddress.get(addressOf(request)) ?? 0) < maxPendingPerAddress) return null;
    onLimited('pending_per_address');
    return 'RATE_LIMITED';
  }

  /** A transport opened; it waits until it is admitted or gone. */
  enter(transport: Transport, request: IncomingMessage): void {
    const address = this.#options.addressOf(request);
    // Of long-polling; a WebSocket does not look at it.
    Object.assign(transport.transport, { closeTimeout: CLOSE_TIMEOUT_MS });
    const onClose = (): void => this.leave(transport);
    this.#waiting.set(transport, { address, onClose });
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    transport.on('close', onClose);
  }

  /** It waits no more. */
  leave(transport: Transport): void {
    const waiting = this.#waiting.get(transport);
    if (waiting === undefined) return;
    const { address, onClose } = waiting;
    this.#waiting.delete(transport);
    // Whoever was admitted stays for hours.
    transport.off('close', onClose);
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
