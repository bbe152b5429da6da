import { randomBytes } from 'node:crypto';
import type { WireCode } from '@rejoin/protocol';
import type { Socket } from 'socket.io';
import { type Admission, type AdmissionOptions, admit } from './admission.ts';
import { RefusedError } from './errors.ts';
import type { ConnectionLimits } from './limits/connection-limits.ts';
import type { RateLimit } from './limits/rate-limit.ts';
import type { Replayer } from './replayer.ts';
import { returnDelayMs } from './return-delay.ts';

export interface DoorOptions extends AdmissionOptions {
  readonly limits: ConnectionLimits;
  readonly handshakesPerAddress: RateLimit;
  readonly handshakesPerUser: RateLimit;
  readonly replayer: Replayer;
  /** Replays that may wait; beyond them clients are told to come back. */
  readonly maxReplays: number;
  /** The client's address; not a proxy's. */
  addressOf(socket: Socket): string;
  /** What failed while a client was admitted, other than by refusing it. */
  onError(error: unknown): void;
}

/** Lets clients in, or says why not, before anything is written to them. */
export class Door {
  readonly #options: DoorOptions;
  readonly #admissions = new WeakMap<Socket, Admission>();
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
    try {
      this.#requireOpen();
      const address = this.#options.addressOf(socket);
      await this.#options.handshakesPerAddress.consume(address);
      const admission = await admit(socket, {
        ...this.#options,
        authenticate: (token) => this.#authenticate(token, address, socket),
      });
      this.#admissions.set(socket, admission);
      Object.assign(socket, { pid: admission.pid ?? newPid(), recovered: admission.pid !== null });
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      this.#options.onError(error);
      throw busy('OVERLOADED', 'this gateway cannot serve now', error);
    }
  }

  /** What was decided about a socket that connects now. */
  admissionOf(socket: Socket): Admission {
    const admission = this.#admissions.get(socket);
    if (!admission) throw new Error(`socket ${socket.id} connects without having been admitted`);
    return admission;
  }

  #requireOpen(): void {
    const { tail, replayer, maxReplays } = this.#options;
    if (this.#draining) throw busy('DRAINING', 'this gateway is stopping');
    if (!tail.ready) throw busy('OVERLOADED', 'this gateway is not ready');
    if (replayer.waiting >= maxReplays) throw busy('OVERLOADED', 'too many clients are being replayed to');
  }

  /** Limits that need to know who it is come right after the token, before anything is read for the client. */
  async #authenticate(token: unknown, address: string, socket: Socket) {
    const { authenticate, handshakesPerUser, limits } = this.#options;
    const principal = await authenticate(token);
    await handshakesPerUser.consume(JSON.stringify([principal.tenantId, principal.userId]));
    const release = await limits.claim(address, principal);
    // The transport's end is certain; a socket that was admitted may never connect.
    if ((socket.conn.readyState as string) === 'open') socket.conn.once('close', release);
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
