import type { EntryId } from '@rejoin/protocol';
import type { ConnectionState } from '../connection.ts';

/** Which connections are meant: those for which everything that is given holds. */
export interface ConnectionFilter {
  readonly tenant?: string;
  readonly user?: string;
  readonly socketId?: string;
  readonly transport?: string;
  readonly state?: ConnectionState;
}

export const CONNECTION_SORTS = ['connectedAt', 'user', 'tenant', 'bufferedBytes', 'behind'] as const;

export type ConnectionSort = (typeof CONNECTION_SORTS)[number];

/** A connection's place in a sorted list over all gateways. */
export type ConnectionRank = readonly [value: string | number, socketId: string];

/** What an operator asks of every gateway. */
export type ControlRequest =
  | {
      readonly kind: 'list';
      readonly filter: ConnectionFilter;
      readonly sort: ConnectionSort;
      readonly order: 'asc' | 'desc';
      readonly limit: number;
      readonly after: ConnectionRank | null;
    }
  | {
      readonly kind: 'disconnect';
      readonly filter: ConnectionFilter;
      readonly blocked: boolean;
      readonly dryRun: boolean;
    }
  /** How far back known clients are: for each partition the floor below which a cursor has a gap. */
  | { readonly kind: 'cursors'; readonly floors: readonly EntryId[] }
  | {
      readonly kind: 'trace';
      readonly partition: number;
      readonly entryId: EntryId;
      readonly type: string | null;
      readonly rooms: readonly string[] | null;
      /** Whose connections are shown one by one. */
      readonly user: { readonly tenant: string; readonly user: string } | null;
    };

/** One connection, as a list shows it. */
export interface ConnectionReport {
  readonly rank: ConnectionRank;
  readonly socketId: string;
  readonly tenant: string;
  readonly user: string;
  readonly roles: readonly string[];
  readonly transport: string;
  readonly state: ConnectionState;
  readonly address: string;
  readonly connectedAtMs: number;
  readonly resumed: boolean;
  readonly tokenExpiresAtMs: number;
  readonly partition: number;
  readonly epoch: string;
  readonly entryId: EntryId;
  readonly acknowledged: EntryId | null;
  readonly behindMs: number;
  readonly bufferedBytes: number;
  readonly watching: readonly string[];
}

export interface ListReply {
  readonly kind: 'list';
  readonly matched: number;
  readonly items: readonly ConnectionReport[];
  readonly tenants: readonly (readonly [string, number])[];
  readonly transports: readonly (readonly [string, number])[];
  readonly states: readonly (readonly [string, number])[];
  readonly bufferedBytes: number;
}

export interface DisconnectReply {
  readonly kind: 'disconnect';
  readonly matched: number;
  readonly disconnected: number;
}

export interface CursorsReply {
  readonly kind: 'cursors';
  /** By partition: cursors known, those below the floor, and the oldest. */
  readonly partitions: readonly { readonly known: number; readonly outside: number; readonly oldest: EntryId | null }[];
}

/** What is known of one connection, open or recently closed, that bears on one event. */
export interface SessionReport {
  readonly socketId: string;
  readonly state: ConnectionState;
  readonly connectedAtMs: number;
  readonly closedAtMs: number | null;
  /** Why it was closed: a wire code where a gateway decided it, else Socket.IO's reason. */
  readonly closeReason: string | null;
  /** Everything up to here was behind the client when it connected. */
  readonly startedFrom: EntryId;
  /** The position that the client itself brought, where it was whole: it says that it has handled everything up to it. */
  readonly resumedFrom: EntryId | null;
  readonly cursor: EntryId;
  readonly acknowledged: EntryId | null;
  readonly bufferedBytes: number;
  /** Whether the event's rooms are among its own; `null` where the rooms are not known. */
  readonly sees: boolean | null;
  /** Whether its own filter lets the event's type through. */
  readonly wants: boolean | null;
}

export interface TraceReply {
  readonly kind: 'trace';
  /** The tail's position in the partition. */
  readonly position: EntryId;
  readonly connections: number;
  readonly written: number;
  readonly acknowledged: number;
  readonly filtered: number;
  readonly behind: number;
  readonly sessions: readonly SessionReport[];
}

export type ControlReply = ListReply | DisconnectReply | CursorsReply | TraceReply;

export type ReplyTo<Request extends ControlRequest> = Extract<ControlReply, { readonly kind: Request['kind'] }>;

/** A request on its way: who answers where. */
export interface ControlEnvelope {
  readonly id: string;
  /** The channel of the one who asks. */
  readonly replyTo: string;
  readonly request: ControlRequest;
}

export interface ControlAnswer {
  readonly id: string;
  readonly gateway: string;
  readonly reply?: ControlReply;
  readonly error?: string;
}
