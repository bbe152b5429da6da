export interface ConnectRequest {
  readonly urls: readonly string[];
  readonly clients: readonly { readonly token: string }[];
  /** See `BenchClientOptions`. */
  readonly readyEvent: string | null;
}

export interface ReceiveRequest {
  /** How many events each client has to have received since it first connected, in the order of the clients. */
  readonly expected: readonly number[];
  readonly timeoutMs: number;
  /** Gives up earlier: when all are connected and nothing came for so long. Never where absent. */
  readonly quietMs?: number;
}

/** What all clients together were given, since they first connected. */
export interface Delivery {
  readonly received: number;
  /** Expected and not given. */
  readonly lost: number;
  /** Given again. */
  readonly doubled: number;
  /** Given after a later one. */
  readonly misordered: number;
  /** Reconnections with, and without, `recovered === true`. */
  readonly recoveries: number;
  readonly failedRecoveries: number;
  /** How often a client was told that something could not be replayed. */
  readonly reportedGaps: number;
}

export interface Reception {
  readonly delivery: Delivery;
  /** Whether every client was ready and had everything before the time was over. */
  readonly complete: boolean;
  /** Of the machine's monotonic clock: when the last event came. */
  readonly lastReceivedAtMs: number;
  /** From the call until the last client was ready and the last event was there. */
  readonly elapsedMs: number;
}

/** The process that all clients of a side live in. */
export interface ClientCalls {
  /** Resolves when all are ready. */
  connect(request: ConnectRequest): Promise<void>;
  /** Resolves when all are ready and have everything, or the time is over. */
  receive(request: ReceiveRequest): Promise<Reception>;
  /** Cuts all off at once; they stay away. */
  cut(request: null): Promise<void>;
  /** Brings all back at once, and waits as `receive` does. */
  comeBack(request: ReceiveRequest): Promise<Reception>;
  /** Cuts off and brings back the first client, to the next gateway each time, after random pauses. */
  hop(request: { readonly times: number; readonly minPauseMs: number; readonly maxPauseMs: number }): Promise<void>;
  /** Publish to handler, in milliseconds, of everything received since the last call. */
  takeLatencies(request: null): number[];
}
