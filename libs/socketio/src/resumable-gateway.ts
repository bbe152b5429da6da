import { randomBytes } from 'node:crypto';
import { FeedTail } from '@rejoin/feed';
import {
  type AudienceToken,
  ENTRY_ID_ZERO,
  type EntryId,
  formatAudienceToken,
  formatCursor,
  refusal,
  roomOf,
  type WireCode,
} from '@rejoin/protocol';
import {
  type ConnectionUse,
  connect,
  disconnect,
  type Keyspace,
  openInstallation,
  type RedisClient,
} from '@rejoin/redis';
import type { Namespace, Server, ServerOptions, Socket } from 'socket.io';
import { type Admission, admit } from './admission.ts';
import { Connection, type ConnectionBounds } from './connection.ts';
import { Connections } from './connections.ts';
import { RefusedError } from './errors.ts';
import { EncodedPacket } from './packet.ts';
import type { ConnectionPrincipal } from './principal.ts';
import { Replayer } from './replayer.ts';
import { SessionStore } from './session-store.ts';
import { StreamsAdapter } from './streams-adapter.ts';

/** What is worth an operator's attention, with its context. No payloads, no tokens. */
export interface GatewayLog {
  info(context: object, message: string): void;
  warn(context: object, message: string): void;
  error(context: object, message: string): void;
}

export interface ResumableGatewayOptions {
  /** See `parseRedisUrl`. */
  readonly redisUrl: string;
  readonly keys: Keyspace;
  /** The configured partition count; the installation's where absent. */
  readonly partitions?: number;
  /** How far back a client may resume, in milliseconds; 24 hours by default. */
  readonly windowMs?: number;
  /** Most resources one connection may watch; 100 by default. */
  readonly maxWatched?: number;
  /** Bytes that may wait for a client that does not read; 4 MiB by default. */
  readonly maxBufferedBytes?: number;
  /** Live entries, and their bytes, that may wait for the end of one replay; 1,000 and 1 MiB by default. */
  readonly maxQueuedEntries?: number;
  readonly maxQueuedBytes?: number;
  readonly log: GatewayLog;
  /**
   * Says whose connection this is, from its verified token.
   * @throws RefusedError
   */
  authenticate(socket: Socket): Promise<ConnectionPrincipal>;
  /** Whether a principal may watch a resource of its tenant; asked on every connection, and for every new watch. */
  authorizeWatch(principal: ConnectionPrincipal, resource: AudienceToken & { kind: 'resource' }): Promise<boolean>;
}

const DEFAULT_WINDOW_MS = 24 * 3_600_000;
/** A quiet client learns the tail's position this often at least, and no later than a 24th of the window. */
const CURSOR_INTERVAL_MS = 60_000;
/** Sessions are written again this often at least, and four times in their life. */
const SESSION_INTERVAL_MS = 600_000;
/** Largest packet a client may send, in bytes. */
const MAX_CLIENT_PACKET_BYTES = 64 * 1024;
/** How long a transport may be open without a handshake, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Clients that are all told to come back spread over this time, in milliseconds. */
const RETURN_SPREAD_MS = 2_000;

/**
 * Makes a Socket.IO server deliver the feed to its clients and resume them: live entries by the feed's tail, missed ones from
 * the room indexes, each once and in order, from any gateway.
 *
 *     const gateway = new ResumableGateway({ … });
 *     await gateway.start();
 *     const io = new Server(httpServer, { ...yourOptions, ...gateway.serverOptions() });
 *     gateway.attach(io);
 */
export class ResumableGateway {
  readonly #options: ResumableGatewayOptions;
  readonly #windowMs: number;
  readonly #bounds: ConnectionBounds;
  readonly #connections = new Connections();
  /** Short commands of connecting clients, who do not wait long for a Redis that is away. */
  readonly #commands: RedisClient;
  readonly #adapter: StreamsAdapter;
  readonly #sessions: SessionStore;
  readonly #replayer: Replayer;
  readonly #admissions = new WeakMap<Socket, Admission>();
  readonly #timers: NodeJS.Timeout[] = [];
  #tail: FeedTail | undefined;
  #partitions = 0;
  #namespace: Namespace | undefined;
  #draining = false;
  #stopping: Promise<void> | undefined;

  constructor(options: ResumableGatewayOptions) {
    this.#options = options;
    this.#windowMs = options.windowMs ?? DEFAULT_WINDOW_MS;
    this.#bounds = {
      maxBufferedBytes: options.maxBufferedBytes ?? 4 * 1024 ** 2,
      maxQueuedEntries: options.maxQueuedEntries ?? 1_000,
      maxQueuedBytes: options.maxQueuedBytes ?? 1024 ** 2,
    };
    this.#commands = this.#connect('commands');
    this.#adapter = new StreamsAdapter(this.#connect('background'), options.keys, (error) => this.#onRedisError(error));
    this.#sessions = new SessionStore(this.#commands, options.keys, this.#windowMs);
    this.#replayer = new Replayer(this.#commands, options.keys);
  }

  /**
   * Resolves when the tail stands on a concrete position of every partition.
   * @throws PartitionCountMismatchError
   */
  async start(): Promise<void> {
    const { keys } = this.#options;
    const installation = await openInstallation(this.#commands, keys, this.#options.partitions);
    this.#partitions = installation.partitions;
    const tail = new FeedTail({
      client: this.#commands,
      connectBlocking: () => this.#connect('blocking'),
      keys,
      partitions: Array.from({ length: this.#partitions }, (_, partition) => partition),
      listener: {
        onEntries: (partition, entries) => {
          if (this.#namespace) this.#connections.deliver(this.#namespace, partition, tail.epoch(partition), entries);
        },
        onHole: (partition, reason) => {
          this.#options.log.warn({ partition, reason }, 'the tail has a hole: clients of the partition must resume');
          this.#closeAll(this.#connections.ofPartition(partition), 'OVERLOADED');
        },
        onError: (error) => this.#options.log.warn({ err: error }, 'reading the feed failed, trying again'),
      },
    });
    await tail.start();
    this.#tail = tail;
    this.#every(Math.min(CURSOR_INTERVAL_MS, this.#windowMs / 24), () => this.#tellCursors());
    this.#every(Math.min(SESSION_INTERVAL_MS, this.#windowMs / 4), () => this.#refreshSessions());
  }

  /** What the Socket.IO server must be made with. */
  serverOptions(): Partial<ServerOptions> {
    return {
      adapter: this.#adapter.factory,
      // Stock recovery writes missed packets before any token is verified, and sends every `socket.emit` by way of Redis. It
      // stays off; a stock client resumes all the same, because it follows the `pid` that this gateway gives it.
      connectionStateRecovery: undefined as never,
      maxHttpBufferSize: MAX_CLIENT_PACKET_BYTES,
      connectTimeout: CONNECT_TIMEOUT_MS,
    };
  }

  /** Takes charge of the server's main namespace. Call it before anything else listens for connections. */
  attach(server: Server): void {
    const namespace = server.of('/');
    this.#namespace = namespace;
    namespace.use((socket, next) => {
      this.#admit(socket).then(() => next(), next);
    });
    namespace.on('connection', (socket) => this.#onConnection(socket));
  }

  /** Whether clients can be served: the tail reads, and the gateway is not stopping. */
  get ready(): boolean {
    return !this.#draining && this.#tail?.ready === true;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The connection of a socket, while it is connected. */
  connectionOf(socket: Socket): Connection | undefined {
    return this.#connections.get(socket.id);
  }

  /**
   * Lets a connection watch a resource from now on. Waits until the connection is live.
   * @throws RefusedError `FORBIDDEN` where its principal may not, `INVALID_PAYLOAD` where it watches too many
   */
  async watch(socket: Socket, resource: AudienceToken & { kind: 'resource' }): Promise<void> {
    const connection = await this.#liveConnection(socket);
    if (!(await this.#options.authorizeWatch(connection.principal, resource))) {
      throw new RefusedError('FORBIDDEN', 'this resource may not be watched');
    }
    if (connection.state !== 'live') throw refuseBusy('OVERLOADED', 'the connection is closing');
    const name = formatAudienceToken(resource);
    if (connection.watched.has(name)) return;
    if (connection.watched.size >= this.#maxWatched) {
      throw new RefusedError('INVALID_PAYLOAD', `at most ${this.#maxWatched} resources may be watched`);
    }
    this.#join(connection, new Map([[roomOf(connection.principal.tenantId, resource), null]]));
    connection.watched.set(name, this.#tailOf(connection.partition).position);
    await this.#saveSession(connection);
  }

  /** Ends a watch. Waits until the connection is live; watching nothing of the name is no error. */
  async unwatch(socket: Socket, resource: AudienceToken & { kind: 'resource' }): Promise<void> {
    const connection = await this.#liveConnection(socket);
    if (!connection.watched.delete(formatAudienceToken(resource))) return;
    const room = roomOf(connection.principal.tenantId, resource);
    connection.rooms.delete(room);
    void connection.socket.leave(room);
    await this.#saveSession(connection);
  }

  /**
   * Refuses new clients, tells the connected to come back elsewhere, and ends every connection to Redis. Idempotent.
   * The Socket.IO server itself is its owner's to close, afterwards.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#draining = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#closeAll(this.#connections.all(), 'DRAINING');
    await this.#tail?.stop();
    disconnect(this.#commands);
    this.#adapter.close();
  }

  get #maxWatched(): number {
    return this.#options.maxWatched ?? 100;
  }

  #connect(use: ConnectionUse): RedisClient {
    return connect({
      url: this.#options.redisUrl,
      use,
      name: `rejoin-gateway-${use}`,
      onError: (error) => this.#onRedisError(error),
    });
  }

  #onRedisError(error: Error): void {
    this.#options.log.warn({ err: error }, 'connection to Redis failed');
  }

  async #admit(socket: Socket): Promise<void> {
    const tail = this.#tail;
    if (this.#draining) throw refuseBusy('DRAINING', 'this gateway is stopping');
    if (!tail?.ready) throw refuseBusy('OVERLOADED', 'this gateway is not ready');
    try {
      const { keys, authenticate, authorizeWatch } = this.#options;
      const admission = await admit(socket, {
        client: this.#commands,
        keys,
        partitions: this.#partitions,
        windowMs: this.#windowMs,
        maxWatched: this.#maxWatched,
        tail,
        sessions: this.#sessions,
        authenticate,
        authorizeWatch,
      });
      this.#admissions.set(socket, admission);
      Object.assign(socket, { pid: admission.pid ?? newPid(), recovered: admission.pid !== null });
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      this.#options.log.error({ err: error }, 'admitting a client failed');
      throw refuseBusy('OVERLOADED', 'this gateway cannot serve now', error);
    }
  }

  /** Runs in the turn in which the socket connects: joins, position and state belong together. */
  #onConnection(socket: Socket): void {
    const admission = this.#admissions.get(socket);
    if (!admission) throw new Error(`socket ${socket.id} connected without admission`);
    const { principal, partition, wants, start, epoch } = admission;
    const { position } = this.#tailOf(partition);
    const connection = new Connection(
      {
        socket,
        principal,
        partition,
        wants,
        bounds: this.#bounds,
        formatCursor: (entryId) => formatCursor({ epoch, partition, entryId }),
        onSlow: (slow) => slow.close(refusal('SLOW_CONSUMER', returnDelayMs()), { patient: false }),
      },
      start.kind === 'fresh' ? position : start.replay.after,
    );
    this.#connections.add(connection);
    socket.on('disconnect', () => {
      this.#connections.remove(connection);
      connection.onClosed();
    });
    this.#join(connection, admission.rooms);
    for (const [resource, since] of admission.watched) connection.watched.set(resource, since ?? position);
    if (this.#draining || epoch !== this.#tailOf(partition).epoch) {
      connection.close(refusal(this.#draining ? 'DRAINING' : 'OVERLOADED', returnDelayMs()));
      return;
    }
    this.#saveSession(connection).catch((error: unknown) => {
      this.#options.log.warn({ err: error, socketId: socket.id }, 'keeping a session failed');
    });
    if (start.kind === 'fresh') {
      connection.goLive(() => ({ status: 'none', count: 0 }));
      return;
    }
    this.#replayer.run(connection, { start: start.replay, from: start.from, epoch }).catch((error: unknown) => {
      this.#options.log.warn({ err: error, socketId: socket.id }, 'a replay failed: the client must come back');
      connection.close(refusal('OVERLOADED', returnDelayMs()));
    });
  }

  #join(connection: Connection, rooms: ReadonlyMap<string, EntryId | null>): void {
    const { position } = this.#tailOf(connection.partition);
    for (const [room, since] of rooms) connection.rooms.set(room, since ?? position);
    void connection.socket.join([...rooms.keys()]);
  }

  #tailOf(partition: number): { readonly position: EntryId; readonly epoch: string } {
    if (!this.#tail) return { position: ENTRY_ID_ZERO, epoch: '' };
    return { position: this.#tail.position(partition), epoch: this.#tail.epoch(partition) };
  }

  async #liveConnection(socket: Socket): Promise<Connection> {
    const connection = this.#connections.get(socket.id);
    if (!connection || (await connection.settled()) !== 'live') {
      throw refuseBusy('OVERLOADED', 'the connection is closing');
    }
    return connection;
  }

  #saveSession({ socket, partition, principal, watched }: Connection): Promise<void> {
    const { pid } = socket as unknown as { readonly pid: string };
    return this.#sessions.save(partition, pid, principal, watched);
  }

  #refreshSessions(): void {
    const saves = [...this.#connections.all()].map((connection) => this.#saveSession(connection));
    Promise.all(saves).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'refreshing sessions failed');
    });
  }

  #tellCursors(): void {
    for (let partition = 0; partition < this.#partitions; partition++) {
      const { position, epoch } = this.#tailOf(partition);
      let packet: EncodedPacket | undefined;
      const shared = (): EncodedPacket => {
        packet ??= new EncodedPacket('rejoin:cursor', '{}', formatCursor({ epoch, partition, entryId: position }));
        return packet;
      };
      for (const connection of this.#connections.ofPartition(partition)) connection.tellCursor(position, shared);
    }
  }

  #closeAll(connections: Iterable<Connection>, code: WireCode): void {
    for (const connection of [...connections]) connection.close(refusal(code, returnDelayMs()));
  }

  #every(ms: number, run: () => void): void {
    this.#timers.push(setInterval(run, Math.max(50, ms)));
  }
}

/** As long as Socket.IO's own, and not to be guessed. */
function newPid(): string {
  return randomBytes(15).toString('base64url');
}

/** Spread, so that clients that are told together do not come back together. */
function returnDelayMs(): number {
  return Math.round(Math.random() * RETURN_SPREAD_MS);
}

function refuseBusy(code: WireCode, message: string, cause?: unknown): RefusedError {
  return new RefusedError(code, message, { retryAfterMs: returnDelayMs(), cause });
}
