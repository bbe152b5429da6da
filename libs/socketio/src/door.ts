import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WireCode } from '@rejoin/protocol';
import type { Socket } from 'socket.io';
import { type Admission, type AdmissionOptions, admit } from './admission.ts';
import { RefusedError } from './errors.ts';
import type { GatewayLimits } from './limits/gateway-limits.ts';
import type { Replayer } from './replayer.ts';
import { returnDelayMs } from './return-delay.ts';

export interface DoorOptions extends Omit<AdmissionOptions, 'requireReplayPlace'> {
  readonly limits: GatewayLimits;
  readonly replayer: Replayer;
  /** The client's address; not a proxy's. */
  addressOf(request: IncomingMessage): string;
  /** What failed while a client was admitted, other than by refusing it. */
  onError(error: unknown): void;
}

/** Lets clients in, or says why not, before anything is written to them. */
export class Door {
  readonly #options: DoorOptions;
  readonly #admissions = new WeakMap<Socket, Admission>();
  readonly #asking = new WeakSet<Socket['conn']>();
  #draining = false;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** From now on everybody is sent elsewhere. */
  close(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** @throws RefusedError, whatever happened */
  async admit(socket: Socket): Promise<void> {
    const { conn } = socket;
    // One transport makes one connection; it could ask for thousands before the first is decided.
    if (this.#asking.has(conn)) throw busy('RATE_LIMITED', 'this transport asks for a connection already');
    this.#asking.add(conn);
    try {
      this.#requireOpen();
      const address = this.#options.addressOf(socket.request);
      await this.#options.limits.handshakesPerAddress.consume(address);
      const admission = await admit(socket, {
        ...this.#options,
        authenticate: (token) => this.#authenticate(token, address, socket),
        requireReplayPlace: (tenantId) => this.#requireReplayPlace(tenantId),
      });
      this.#admissions.set(socket, admission);
      Object.assign(socket, { pid: admission.pid ?? newPid(), recovered: admission.pid !== null });
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      this.#options.onError(error);
      throw busy('OVERLOADED', 'this gateway cannot serve now', error);
    } finally {
      this.#asking.delete(conn);
    }
  }

  /** What was decided about a socket that connects now; asked once, for nothing of it is kept beyond. */
  takeAdmission(socket: Socket): Admission {
    const admission = this.#admissions.get(socket);
    if (!admission) throw new Error(`socket ${socket.id} connects without having been admitted`);
    this.#admissions.delete(socket);
    return admission;
  }

  #requireOpen(): void {
    if (this.#draining) throw busy('DRAINING', 'this gateway is stopping');
    if (!this.#options.tail.ready) throw busy('OVERLOADED', 'this gateway is not ready');
  }

  #requireReplayPlace(tenantId: string): void {
    if (this.#options.replayer.admits(tenantId)) return;
    this.#options.onLimited('replays');
    throw busy('OVERLOADED', 'too many clients are being replayed to');
  }

  /** Limits that need to know who it is come right after the token, before anything is read for the client. */
  async #authenticate(token: unknown, address: string, socket: Socket) {
    const { authenticate, limits } = this.#options;
    const principal = await authenticate(token);
    await limits.handshakesPerUser.consume(JSON.stringify([principal.tenantId, principal.userId]));
    const release = await limits.connections.claim(address, principal);
    // The transport's end is certain; a socket that was admitted may never connect. It ends once; `once` would keep a wrapper.
    if ((socket.conn.readyState as string) === 'open') socket.conn.on('close', release);
    else release();
    return principal;
  }
}

/** As long as Socket.IO's own, and not to be guessed. */
function newPid(): string {
  return randomBytes(15).toString('base64url');
}

function busy(code: WireCode, message: string, cause?: unknown): RefusedError {
  return new RefusedError(code, message, { retryAfterMs: returnDelayMs(), cause });
}
