import type { Refusal } from '@rejoin/protocol';

/** What a conformance case does to the other side. Events are numbered from 1 in the order in which they are published. */
export interface GatewayUnderTest {
  /** Where clients are to connect. */
  readonly url: string;
  publish(count: number, hoursAgo: number): Promise<void>;
  /** The cursor of an event; of 0, one before all of them. */
  cursorOf(event: number): string;
  /** The network is gone. */
  away(): void;
  /** The network is there again. */
  back(): void;
  /** Connections break, and may be opened again. */
  sever(): void;
  /** Clients are to go to another gateway, and the one before stops. */
  hop(): Promise<void>;
  /** These events and all before them are no longer retained. */
  trim(upTo: number): Promise<void>;
  /** Of this event nothing but its place is left. */
  losePayload(event: number): Promise<void>;
  stop(): Promise<void>;
}

/** What only a gateway that follows a script can be made to do. */
export interface ScriptedUnderTest extends GatewayUnderTest {
  /** The next connections are refused, each with one of these. */
  refuse(refusals: readonly Refusal[]): void;
  close(refusal: Refusal): void;
  /** Sends events again that the client may have. */
  resend(events: readonly number[]): void;
  /** Sends nothing of the next replay beyond so many events, and no `rejoin:ready`; infinitely many take that back. */
  stopReplayAfter(events: number): void;
  warnOfExpiry(expiresInMs: number): void;
  /** What clients presented to resume from, connection by connection: the number of an event, `null` for nothing. */
  presented(): (number | null | string)[];
  /** The last event that a client said it has handled. */
  acknowledged(): number | null | string;
  /** How many tokens were sent by `session:refresh`. */
  refreshes(): number;
}
