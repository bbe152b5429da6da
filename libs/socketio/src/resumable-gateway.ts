import { randomBytes } from 'node:crypto';
import { FeedTail, RoomHistory } from '@rejoin/feed';
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
import type { Command } from './commands/command.ts';
import { CommandLimits, type CommandRates } from './commands/command-limits.ts';
import { CommandPipeline } from './commands/command-pipeline.ts';
import { sessionCommands } from './commands/session-commands.ts';
import { Connection, type ConnectionBounds } from './connection.ts';
import { Connections } from './connections.ts';
import { RefusedError } from './errors.ts';
import { Membership, type ResourceToken } from './membership.ts';
import { EncodedPacket } from './packet.ts';
import type { ConnectionPrincipal } from './principal.ts';
import { Replayer } from './replayer.ts';
import { Revocations } from './revocations.ts';
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
   * Says whose connection a token opens or prolongs, after verifying it. It is given whatever the client sent.
   * @throws RefusedError
   */
  authenticate(token: unknown): Promise<ConnectionPrincipal>;
  /** Whether a principal may watch a resource of its tenant; asked on every connection, and for every new watch. */
  authorizeWatch(principal: ConnectionPrincipal, resource: ResourceToken): Promise<boolean>;
  /** How often clients may send commands; `DEFAULT_COMMAND_RATES` by default. */
  readonly commandRates?: CommandRates;
}

const DEFAULT_WINDOW_MS = 24 * 3_600_000;
/** A quiet client learns the tail's position this often at least, and no later than a 24th of the window. */
const CURSOR_INTERVAL_MS = 60_000;
/** Sessions are written again this often at least, and four times in their life. */
const SESSION_INTERVAL_MS = 600_000;
/** How often revocations are looked for, in milliseconds: each must reach every gateway within a second. */
const REVOCATION_INTERVAL_MS = 300;
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
  readonly #pipeline: CommandPipeline;
  readonly #revocations: Revocations;
  #tail: FeedTail | undefined;
  #membership: Membership | undefined;
  #history: RoomHistory | undefined;
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
    this.#revocations = new Revocations(this.#commands, options.keys);
    this.#pipeline = new CommandPipeline(
      new CommandLimits(this.#commands, options.keys, options.commandRates),
      options.log,
    );
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
    await Promise.all([tail.start(), this.#revocations.read()]);
    this.#tail = tail;
    this.#history = new RoomHistory(this.#commands, keys, this.#partitions);
    this.#membership = new Membership({
      tail,
      sessions: this.#sessions,
      maxWatched: this.#maxWatched,
      authorizeWatch: this.#options.authorizeWatch,
    });
    for (const command of sessionCommands(this.#membership, (token) => this.#authenticate(token)))
      this.command(command);
    this.#every(REVOCATION_INTERVAL_MS, () => this.#applyRevocations());
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

  /** Adds a command that clients may send. Before anybody is connected. */
  command(command: Command): void {
    this.#pipeline.register(command);
  }

  /** Changes the rooms of connections; for commands. */
  get membership(): Membership {
    if (!this.#membership) throw new Error('the gateway is not started');
    return this.#membership;
  }

  /** What rooms have seen; for commands and watch policies. */
  get history(): RoomHistory {
    if (!this.#history) throw new Error('the gateway is not started');
    return this.#history;
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
        revocations: this.#revocations,
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
    this.membership.join(connection, admission.rooms);
    for (const [resource, since] of admission.watched) connection.watched.set(resource, since ?? position);
    if (this.#revocations.covers(principal)) {
      connection.close(refusal('AUTH_REVOKED'));
      return;
    }
    if (this.#draining || epoch !== this.#tailOf(partition).epoch) {
      connection.close(refusal(this.#draining ? 'DRAINING' : 'OVERLOADED', returnDelayMs()));
      return;
    }
    this.membership.save(connection).catch((error: unknown) => {
      this.#options.log.warn({ err: error, socketId: socket.id }, 'keeping a session failed');
    });
    this.#pipeline.attach(socket, connection);
    if (start.kind === 'fresh') {
      connection.goLive(() => ({ status: 'none', count: 0 }));
      return;
    }
    this.#replayer.run(connection, { start: start.replay, from: start.from, epoch }).catch((error: unknown) => {
      this.#options.log.warn({ err: error, socketId: socket.id }, 'a replay failed: the client must come back');
      connection.close(refusal('OVERLOADED', returnDelayMs()));
    });
  }

  #tailOf(partition: number): { readonly position: EntryId; readonly epoch: string } {
    if (!this.#tail) return { position: ENTRY_ID_ZERO, epoch: '' };
    return { position: this.#tail.position(partition), epoch: this.#tail.epoch(partition) };
  }

  /** A token that prolongs a connection is held to what one that opens it is. */
  async #authenticate(token: unknown): Promise<ConnectionPrincipal> {
    const principal = await this.#options.authenticate(token);
    if (this.#revocations.covers(principal)) throw new RefusedError('AUTH_REVOKED', 'access was revoked');
    return principal;
  }

  #applyRevocations(): void {
    this.#revocations.read().then(
      (found) => {
        if (!found) return;
        for (const connection of [...this.#connections.all()]) {
          if (this.#revocations.covers(connection.principal)) connection.close(refusal('AUTH_REVOKED'));
        }
      },
      (error: unknown) => this.#options.log.warn({ err: error }, 'reading revocations failed, trying again'),
    );
  }

  #refreshSessions(): void {
    const saves = [...this.#connections.all()].map((connection) => this.membership.save(connection));
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
