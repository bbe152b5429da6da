export interface WireConnectRequest {
  readonly url: string;
  /** One connection each. `null` where the server is a bare WebSocket server, which asks for nothing. */
  readonly tokens: readonly (string | null)[];
  /** Beginning of the packet after which a client is ready; not looked at for a bare WebSocket. */
  readonly readyPacket: string;
}

/** Clients that only count: of a WebSocket's messages, those that are events. */
export interface WireCalls {
  /** Connects further clients; resolves when all are ready. */
  connect(request: WireConnectRequest): Promise<void>;
  /** Resolves when each client received so many events since it connected, with the machine's monotonic clock. */
  receive(request: {
    readonly each: number;
    readonly timeoutMs: number;
  }): Promise<{ readonly lastReceivedAtMs: number }>;
  /** None reads anything more from its connection: the kernel's buffers fill, then the server's. */
  stall(request: null): void;
  /** How many clients are connected now. */
  connected(request: null): number;
}
