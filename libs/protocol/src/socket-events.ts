import type { Refusal } from './codes.ts';
import type { ClientEvent } from './event.ts';

/** Why a replay is incomplete. */
export type GapReason =
  /** The cursor is older than the replay window, or than what its byte bound kept. */
  | 'window'
  /** One of the client's rooms had more events since the cursor than its index keeps. */
  | 'room_limit'
  /** A missed event's payload was removed while it was being replayed. */
  | 'payload_missing'
  /** The partition's history was broken after the cursor was made, or the cursor is another installation's. */
  | 'epoch'
  /** The cursor is later than anything published. */
  | 'ahead'
  /** The cursor's event exists nowhere, though it should. */
  | 'unknown_entry'
  /** The cursor is another partition's, so another tenant's. */
  | 'partition'
  /** The cursor is not one of ours. */
  | 'unreadable';

/** How a connection's replay ended. */
export type ReplayReport =
  /** The client brought no cursor: it receives what happens from now on. */
  | { readonly status: 'none'; readonly count: 0 }
  /** Everything since the cursor was delivered. */
  | { readonly status: 'complete'; readonly count: number }
  /** Something was missed and could not be delivered: refetch what matters. */
  | {
      readonly status: 'gap';
      readonly count: number;
      readonly reason: GapReason;
      /** The cursor that was presented, or `null` where it was unreadable. Events after it may be missing. */
      readonly from: string | null;
      /** The cursor behind which nothing is missing any more. */
      readonly oldest: string;
    };

export interface Ready {
  readonly replay: ReplayReport;
  /** The resources this connection watches, as `<resource>:<id>`. */
  readonly watching: readonly string[];
}

/** What the client puts into `auth` of its handshake; a stock client adds `pid` and `offset` by itself. */
export interface HandshakeAuth {
  readonly token?: string;
  readonly cursor?: string;
  /** Event types to receive, `*` standing for any ending: `["order.*"]`. All, where absent. */
  readonly events?: readonly string[];
  /** Resources to watch: `["order:991"]`. */
  readonly watch?: readonly string[];
  readonly pid?: string;
  readonly offset?: string;
}

/** Server to client, besides the domain events, each of which is `<event type>` `(event, cursor)`. */
export interface ServerToClientEvents {
  'rejoin:ready': (ready: Ready, cursor: string) => void;
  'rejoin:cursor': (nothing: Record<string, never>, cursor: string) => void;
  'rejoin:closing': (closing: Refusal) => void;
  [eventType: string]: ((event: ClientEvent, cursor: string) => void) | ((...args: never[]) => void);
}
