/** How the replay of a client that came back with a cursor ended. */
export interface ResumeOutcome {
  /**
   * - `complete`: everything was written.
   * - `gap`: something could not be replayed, and the client was told.
   * - `failed`: the client was told to come back.
   * - `gone`: the connection ended first.
   */
  readonly result: 'complete' | 'gap' | 'failed' | 'gone';
  /** Of a gap. */
  readonly reason?: string;
  /** From the connection until then, in milliseconds. */
  readonly durationMs: number;
}

/** What a gateway tells as it happens, for metrics and traces. Every method is called in a turn that must stay short. */
export interface GatewayListener {
  /** What the tail brought was handed to its connections, and none of it was appended longer ago than so many milliseconds. */
  onDelivered?(latencyMs: number): void;
  /** A live entry whose event is traced was handed to so many connections. */
  onTraced?(delivery: {
    readonly traceparent: string;
    readonly entryId: string;
    readonly partition: number;
    readonly connections: number;
    readonly startedAtMs: number;
  }): void;
  onResumed?(outcome: ResumeOutcome): void;
  /** Somebody was refused by a limit; `scope` names it. */
  onLimited?(scope: string): void;
  /** The tail may have missed entries of a partition: its clients are told to resume. */
  onHole?(partition: number, reason: string): void;
  /** A canary that this gateway published came back to it after so many milliseconds. */
  onCanary?(roundTripMs: number): void;
}

/** Events by what became of them for one connection, since the gateway started. */
export interface DeliveryCounters {
  live: number;
  replayed: number;
  /** Not wanted by the client. */
  filtered: number;
  /** The connection was closing; a replay brings them. */
  missed: number;
}

export function newDeliveryCounters(): DeliveryCounters {
  return { live: 0, replayed: 0, filtered: 0, missed: 0 };
}

/** What a gateway holds and did. */
export interface GatewayFacts {
  readonly connections: number;
  /** Connections whose replay is under way or waits for its turn. */
  readonly replaying: number;
  /** Bytes that wait for clients to read them. */
  readonly bufferedBytes: number;
  readonly deliveries: Readonly<DeliveryCounters>;
}
