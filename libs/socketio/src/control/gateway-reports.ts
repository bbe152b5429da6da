import type { FeedTail } from '@rejoin/feed';
import { compareEntryIds, ENTRY_ID_ZERO, type EntryId, entryIdTimeMs, refusal } from '@rejoin/protocol';
import type { Connection } from '../connection.ts';
import type { Connections } from '../connections.ts';
import { returnDelayMs } from '../return-delay.ts';
import type { Closings } from './closings.ts';
import type {
  ConnectionFilter,
  ConnectionRank,
  ConnectionReport,
  ConnectionSort,
  ControlReply,
  ControlRequest,
  CursorsReply,
  DisconnectReply,
  ListReply,
  SessionReport,
  TraceReply,
} from './control-messages.ts';

export interface GatewayReportsOptions {
  readonly connections: Connections;
  readonly closings: Closings;
  readonly tail: FeedTail;
}

type Asked<Kind extends ControlRequest['kind']> = Extract<ControlRequest, { readonly kind: Kind }>;

/** Most names of a count, and most sessions of one user. */
const MAX_NAMES = 100;
const MAX_SESSIONS = 50;
const MAX_WATCHING = 100;

/** What a gateway answers its operators: one pass over its connections, and no more of them than were asked for. */
export class GatewayReports {
  readonly #options: GatewayReportsOptions;

  constructor(options: GatewayReportsOptions) {
    this.#options = options;
  }

  answer(request: ControlRequest): ControlReply {
    switch (request.kind) {
      case 'list':
        return this.#list(request);
      case 'disconnect':
        return this.#disconnect(request);
      case 'cursors':
        return this.#cursors(request);
      case 'trace':
        return this.#trace(request);
    }
  }

  #list({ filter, sort, order, limit, after }: Asked<'list'>): ListReply {
    const [tenants, transports, states] = [new Tally(), new Tally(), new Tally()];
    const sign = order === 'asc' ? 1 : -1;
    const found: { rank: ConnectionRank; connection: Connection }[] = [];
    let [matched, bufferedBytes] = [0, 0];
    for (const connection of this.#matching(filter)) {
      matched += 1;
      bufferedBytes += connection.bufferedBytes;
      tenants.add(connection.principal.tenantId);
      transports.add(connection.transport);
      states.add(connection.state);
      const rank: ConnectionRank = [this.#sortValue(sort, connection), connection.socket.id];
      if (after === null || sign * compareRanks(rank, after) > 0) found.push({ rank, connection });
    }
    found.sort((a, b) => sign * compareRanks(a.rank, b.rank));
    return {
      kind: 'list',
      matched,
      items: found.slice(0, limit).map(({ rank, connection }) => this.#report(rank, connection)),
      tenants: tenants.most(),
      transports: transports.most(),
      states: states.most(),
      bufferedBytes,
    };
  }

  /** A client that is only told to go comes back at once; one that is blocked is refused from now on. */
  #disconnect({ filter, blocked, dryRun }: Asked<'disconnect'>): DisconnectReply {
    const meant = [...this.#matching(filter)];
    if (dryRun) return { kind: 'disconnect', matched: meant.length, disconnected: 0 };
    for (const connection of meant) {
      connection.close(blocked ? refusal('AUTH_REVOKED') : refusal('DRAINING', returnDelayMs()));
    }
    return { kind: 'disconnect', matched: meant.length, disconnected: meant.length };
  }

  #cursors({ floors }: Asked<'cursors'>): CursorsReply {
    const partitions = floors.map(() => ({ known: 0, outside: 0, oldest: null as EntryId | null }));
    const add = (partition: number, cursor: EntryId): void => {
      const counted = partitions[partition];
      if (!counted) return;
      counted.known += 1;
      if (compareEntryIds(cursor, floors[partition] as EntryId) < 0) counted.outside += 1;
      if (counted.oldest === null || compareEntryIds(cursor, counted.oldest) < 0) counted.oldest = cursor;
    };
    for (const { partition, cursor } of this.#options.connections.all()) add(partition, cursor);
    for (const { partition, report } of this.#options.closings.all()) add(partition, report.cursor);
    return { kind: 'cursors', partitions };
  }

  #trace({ partition, entryId, type, rooms, user }: Asked<'trace'>): TraceReply {
    const position = this.#options.tail.position(partition);
    const counts = { connections: 0, written: 0, acknowledged: 0, filtered: 0, behind: 0 };
    const sessions: SessionReport[] = [];
    for (const connection of this.#options.connections.ofPartition(partition)) {
      const sees = rooms === null ? null : sawAny(connection, rooms, entryId);
      const wants = type === null ? null : connection.wants(type);
      if (sees) count(counts, connection, entryId, wants !== false);
      if (isUsers(connection.principal, user) && sessions.length < MAX_SESSIONS) {
        sessions.push({ ...sessionOf(connection), sees, wants });
      }
    }
    if (user) {
      const gone = [...this.#options.closings.all()].filter(
        (closing) => closing.tenant === user.tenant && closing.user === user.user,
      );
      for (const closing of gone.slice(-MAX_SESSIONS)) {
        const sees = rooms === null ? null : rooms.some((room) => closing.rooms.has(room));
        sessions.push({ ...closing.report, sees, wants: type === null ? null : closing.wants(type) });
      }
    }
    return { kind: 'trace', position, ...counts, sessions };
  }

  *#matching({ tenant, user, socketId, transport, state }: ConnectionFilter): Generator<Connection> {
    for (const connection of this.#options.connections.all()) {
      const { principal } = connection;
      if (tenant !== undefined && principal.tenantId !== tenant) continue;
      if (user !== undefined && principal.userId !== user) continue;
      if (socketId !== undefined && connection.socket.id !== socketId) continue;
      if (transport !== undefined && connection.transport !== transport) continue;
      if (state !== undefined && connection.state !== state) continue;
      yield connection;
    }
  }

  #sortValue(sort: ConnectionSort, connection: Connection): string | number {
    switch (sort) {
      case 'connectedAt':
        return connection.connectedAtMs;
      case 'user':
        return connection.principal.userId;
      case 'tenant':
        return connection.principal.tenantId;
      case 'bufferedBytes':
        return connection.bufferedBytes;
      case 'behind':
        return this.#behindMs(connection);
    }
  }

  /** A live connection's cursor rests on the last event of its own, however old that is: it is behind nothing. */
  #behindMs({ state, partition, cursor }: Connection): number {
    if (state !== 'replaying') return 0;
    return Math.max(0, entryIdTimeMs(this.#options.tail.position(partition)) - entryIdTimeMs(cursor));
  }

  #report(rank: ConnectionRank, connection: Connection): ConnectionReport {
    const { principal, socket, partition, cursor, acknowledged } = connection;
    return {
      rank,
      socketId: socket.id,
      tenant: principal.tenantId,
      user: principal.userId,
      roles: principal.roles,
      transport: connection.transport,
      state: connection.state,
      address: socket.handshake.address,
      connectedAtMs: connection.connectedAtMs,
      resumed: connection.resumedFrom !== null,
      tokenExpiresAtMs: principal.expiresAtMs,
      partition,
      epoch: this.#options.tail.epoch(partition),
      entryId: cursor,
      acknowledged: acknowledged === ENTRY_ID_ZERO ? null : acknowledged,
      behindMs: this.#behindMs(connection),
      bufferedBytes: connection.bufferedBytes,
      watching: [...connection.watched.keys()].slice(0, MAX_WATCHING),
    };
  }
}

/** Of one value, socket IDs decide. */
export function compareRanks(a: ConnectionRank, b: ConnectionRank): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] === b[1] ? 0 : a[1] < b[1] ? -1 : 1;
}

/** A watched room has no history before its watch. */
function sawAny({ rooms: own }: Connection, rooms: readonly string[], entryId: EntryId): boolean {
  return rooms.some((room) => {
    const since = own.get(room);
    return since !== undefined && compareEntryIds(since, entryId) < 0;
  });
}

function count(
  counts: { connections: number; written: number; acknowledged: number; filtered: number; behind: number },
  connection: Connection,
  entryId: EntryId,
  wants: boolean,
): void {
  counts.connections += 1;
  if (!wants) counts.filtered += 1;
  else if (compareEntryIds(connection.cursor, entryId) < 0) counts.behind += 1;
  else if (compareEntryIds(connection.startedFrom, entryId) < 0) counts.written += 1;
  if (wants && compareEntryIds(connection.acknowledged, entryId) >= 0) counts.acknowledged += 1;
}

function isUsers(principal: Connection['principal'], user: Asked<'trace'>['user']): boolean {
  return user !== null && principal.tenantId === user.tenant && principal.userId === user.user;
}

function sessionOf(connection: Connection): Omit<SessionReport, 'sees' | 'wants'> {
  const { socket, acknowledged } = connection;
  return {
    socketId: socket.id,
    state: connection.state,
    connectedAtMs: connection.connectedAtMs,
    closedAtMs: null,
    closeReason: connection.closing?.code ?? null,
    startedFrom: connection.startedFrom,
    resumedFrom: connection.resumedFrom,
    cursor: connection.cursor,
    acknowledged: acknowledged === ENTRY_ID_ZERO ? null : acknowledged,
    bufferedBytes: connection.bufferedBytes,
  };
}

/** Counts by name. */
class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  most(): [string, number][] {
    return [...this.#counts].sort((a, b) => b[1] - a[1]).slice(0, MAX_NAMES);
  }
}
