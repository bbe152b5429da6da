import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { monotonicMs } from '../clock.ts';
import { type BenchEvent, EVENT_TYPE } from './producer.ts';

export interface BenchClientOptions {
  readonly url: string;
  readonly token: string;
  /** The event that says that everything missed was sent; `null`: being connected is all there is. */
  readonly readyEvent: string | null;
  /** Called after each event that it had not received before, and whenever it gets ready. */
  onProgress(): void;
}

/** Reconnects as soon as may be, so that a reconnection measures the server and not the pause before it. */
const OPTIONS: Partial<ManagerOptions & SocketOptions> = {
  transports: ['websocket'],
  forceNew: true,
  reconnectionDelay: 10,
  reconnectionDelayMax: 50,
};

/** A stock `socket.io-client`, and what it was given. */
export class BenchClient {
  readonly #socket: Socket;
  readonly #onProgress: () => void;
  readonly #seen: boolean[] = [];
  #highest = -1;
  #ready = false;
  #distinct = 0;
  #doubled = 0;
  #misordered = 0;
  #recoveries = 0;
  #failedRecoveries = 0;
  #connections = 0;
  #reportedGaps = 0;
  #latenciesMs: number[] = [];
  #lastReceivedAtMs = 0;

  constructor({ url, token, readyEvent, onProgress }: BenchClientOptions) {
    this.#onProgress = onProgress;
    this.#socket = io(url, { ...OPTIONS, auth: { token } });
    this.#socket.on(EVENT_TYPE, (event: BenchEvent) => this.#receive(event));
    this.#socket.on('connect', () => {
      this.#connections += 1;
      if (this.#connections > 1) {
        if (this.#socket.recovered) this.#recoveries += 1;
        else this.#failedRecoveries += 1;
      }
      if (readyEvent === null) this.#becomeReady();
    });
    if (readyEvent !== null) {
      this.#socket.on(readyEvent, ({ replay }: { replay?: { status?: unknown } }) => {
        if (replay?.status === 'gap') this.#reportedGaps += 1;
        this.#becomeReady();
      });
    }
    this.#socket.on('disconnect', () => {
      this.#ready = false;
    });
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** How many different events it has received. */
  get distinct(): number {
    return this.#distinct;
  }

  get lastReceivedAtMs(): number {
    return this.#lastReceivedAtMs;
  }

  get tally() {
    return {
      received: this.#distinct,
      doubled: this.#doubled,
      misordered: this.#misordered,
      recoveries: this.#recoveries,
      failedRecoveries: this.#failedRecoveries,
      reportedGaps: this.#reportedGaps,
    };
  }

  /** Cuts the connection without a word, as a lost network does; resolves when the client knows. */
  async cut({ comeBack }: { comeBack: boolean }): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#socket.once('disconnect', () => resolve()));
    this.#socket.io.reconnection(comeBack);
    // After `reconnection(false)` the manager would skip reconnecting until it is opened again.
    const { transport } = this.#socket.io.engine as unknown as { transport: { ws: { terminate(): void } } };
    transport.ws.terminate();
    await gone;
  }

  /** Connects again after a cut, and from then on by itself. */
  comeBack(): void {
    this.#socket.io.reconnection(true);
    this.#socket.connect();
  }

  /** The next connection goes to this gateway, as behind a load balancer. */
  moveTo(url: string): void {
    (this.#socket.io as unknown as { uri: string }).uri = url;
  }

  /** Publish to handler, of each event received since the last call. */
  takeLatencies(): number[] {
    return this.#latenciesMs.splice(0);
  }

  #receive({ data }: BenchEvent): void {
    this.#lastReceivedAtMs = monotonicMs();
    this.#latenciesMs.push(this.#lastReceivedAtMs - data.sentAtMs);
    if (this.#seen[data.seq]) {
      this.#doubled += 1;
      return;
    }
    this.#seen[data.seq] = true;
    this.#distinct += 1;
    if (data.seq < this.#highest) this.#misordered += 1;
    else this.#highest = data.seq;
    this.#onProgress();
  }

  #becomeReady(): void {
    this.#ready = true;
    this.#onProgress();
  }
}
