import type { IncomingMessage } from 'node:http';
import { FeedTail, RoomHistory } from '@rejoin/feed';
import { type EntryId, refusal, type WireCode } from '@rejoin/protocol';
import { type ConnectionUse, connect, disconnect, openInstallation, type RedisClient } from '@rejoin/redis';
import { untilAnswered } from '@rejoin/streams';
import type { Namespace, Server, ServerOptions, Socket } from 'socket.io';
import { clientAddress } from './client-address.ts';
import type { Command } from './commands/command.ts';
import { CommandPipeline } from './commands/command-pipeline.ts';
import { sessionCommands } from './commands/session-commands.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { Closings } from './control/closings.ts';
import type { ControlChannel } from './control/control-channel.ts';
import { createControl } from './control/create-control.ts';
import { Door } from './door.ts';
import { drain } from './drain.ts';
import { Entrance } from './entrance.ts';
import { RefusedError } from './errors.ts';
import { type GatewayFacts, newDeliveryCounters } from './gateway-listener.ts';
import { GatewayUpkeep } from './gateway-upkeep.ts';
import { GroupRooms } from './group-rooms.ts';
import { createLimits, type GatewayLimits } from './limits/gateway-limits.ts';
import type { LimitListener } from './limits/limit-listener.ts';
import { Membership } from './membership.ts';
import { type GatewaySettings, type ResumableGatewayOptions, settingsOf } from './options.ts';
import { PathProof } from './path-proof.ts';
import type { ConnectionPrincipal } from './principal.ts';
import { Reception } from './reception.ts';
import { Replayer } from './replayer.ts';
import { returnDelayMs } from './return-delay.ts';
import { Revocations } from './revocations.ts';
import { SessionStore } from './session-store.ts';
import { StreamsAdapter } from './streams-adapter.ts';

/** One thing that is asked of a gateway that serves. */
export interface GatewayCheck {
  readonly ready: boolean;
  readonly detail?: string;
}

/** What exists once a gateway is started. */
interface Running {
  readonly control: ControlChannel;
  readonly tail: FeedTail;
  readonly membership: Membership;
  readonly groups: GroupRooms;
  readonly path: PathProof;
  readonly history: RoomHistory;
  readonly door: Door;
  readonly reception: Reception;
  readonly upkeep: GatewayUpkeep;
}

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
  readonly #settings: GatewaySettings;
  readonly #connections: Connections;
  readonly #deliveries = newDeliveryCounters();
  /** Short commands of connecting clients, who do not wait long for a Redis that is away. */
  readonly #commands: RedisClient;
  readonly #adapter: StreamsAdapter;
  readonly #replayer: Replayer;
  readonly #revocations: Revocations;
  readonly #limits: GatewayLimits;
  readonly #pipeline: CommandPipeline;
  readonly #addressOf: (request: IncomingMessage) => string;
  readonly #entrance: Entrance;
  /** For operators: who was here lately. */
  readonly #closings = new Closings();
  /** By partition: the last entry that the tail brought and that was in a room. */
  readonly #lastAddressed = new Map<number, EntryId>();
  #namespace: Namespace | undefined;
  #running: Running | undefined;
  #stopping: Promise<void> | undefined;
  readonly #ending = new AbortController();

  constructor(options: ResumableGatewayOptions) {
    const settings = settingsOf(options);
    const { keys, log } = settings;
    this.#settings = settings;
    this.#connections = new Connections(settings.listener);
    this.#commands = this.#connect('commands');
    this.#adapter = new StreamsAdapter(this.#connect('background'), keys, (error) => this.#onRedisError(error));
    this.#replayer = new Replayer(this.#commands, keys, settings.bounds.maxReplays);
    this.#revocations = new Revocations(this.#commands, keys);
    const listener = this.#limitListener();
    this.#limits = createLimits(this.#commands, keys, settings, listener);
    this.#pipeline = new CommandPipeline(this.#limits.commands, log);
    this.#addressOf = clientAddress(settings.trustedProxies);
    const { bounds, allowedOrigins = [] } = settings;
    this.#entrance = new Entrance({
      bounds,
      allowedOrigins,
      addressOf: this.#addressOf,
      onLimited: listener.onLimited,
    });
  }

  /**
   * Resolves when the tail stands on a concrete position of every partition. Waits for Redis as long as it takes.
   * @throws PartitionCountMismatchError
   */
  async start(): Promise<void> {
    const { keys, windowMs, bounds, log, authorizeWatch } = this.#settings;
    const { onLimited } = this.#limitListener();
    const answered = <Value>(attempt: () => Promise<Value>): Promise<Value> =>
      untilAnswered(attempt, this.#ending.signal, (error) => this.#onRedisError(error as Error));
    const { partitions } = await answered(() => openInstallation(this.#commands, keys, this.#settings.partitions));
    const path = this.#createPathProof(partitions);
    const tail = this.#createTail(partitions, path);
    await Promise.all([
      answered(() => tail.start()),
      answered(() => this.#revocations.read()),
      answered(() => this.#limits.connections.start()),
    ]);
    const sessions = new SessionStore(this.#commands, keys, windowMs);
    const membership = new Membership({ tail, sessions, maxWatched: bounds.maxWatched, authorizeWatch, onLimited });
    const groups = new GroupRooms({
      client: this.#commands,
      keys,
      partitions,
      connections: this.#connections,
      membership,
    });
    await answered(() => groups.follow());
    const authenticate = (token: unknown): Promise<ConnectionPrincipal> => this.#authenticate(token);
    for (const command of sessionCommands(membership, authenticate)) this.command(command);
    const door = new Door({
      client: this.#commands,
      keys,
      partitions,
      windowMs,
      maxWatched: bounds.maxWatched,
      tail,
      sessions,
      groups,
      replayer: this.#replayer,
      limits: this.#limits,
      addressOf: this.#addressOf,
      onLimited,
      authenticate,
      authorizeWatch,
      onError: (error) => log.error({ err: error }, 'admitting a client failed'),
    });
    const reception = new Reception({
      tail,
      door,
      membership,
      groups,
      connections: this.#connections,
      revocations: this.#revocations,
      replayer: this.#replayer,
      pipeline: this.#pipeline,
      commandLimits: this.#limits.commands,
      closings: this.#closings,
      counters: this.#deliveries,
      bounds,
      listener: this.#settings.listener,
      log,
    });
    const upkeep = new GatewayUpkeep({
      tail,
      partitions,
      connections: this.#connections,
      membership,
      groups,
      revocations: this.#revocations,
      windowMs,
      lastAddressed: (partition) => this.#lastAddressed.get(partition),
      log,
    });
    upkeep.start();
    path.start();
    const control = createControl({
      reports: { connections: this.#connections, closings: this.#closings, tail },
      gatewayId: this.#limits.connections.gatewayId,
      keys,
      client: this.#commands,
      subscriber: this.#connect('background'),
      log,
    });
    await control.start();
    this.#running = {
      control,
      tail,
      membership,
      groups,
      door,
      reception,
      path,
      upkeep,
      history: new RoomHistory(this.#commands, keys, partitions),
    };
  }

  /** What the Socket.IO server must be made with. */
  serverOptions(): Partial<ServerOptions> {
    return {
      ...this.#entrance.serverOptions(),
      adapter: this.#adapter.factory,
      // Stock recovery writes missed packets before any token is verified, and sends every `socket.emit` by way of Redis. It
      // stays off; a stock client resumes all the same, because it follows the `pid` that this gateway gives it.
      connectionStateRecovery: undefined as never,
    };
  }

  /**
   * Takes charge of the server's main namespace. Call it when the server has its HTTP server, and before anything else listens
   * for connections.
   * @throws Error where it is in charge of a server already
   */
  attach(server: Server): void {
    const { door, reception } = this.#started;
    if (this.#namespace) throw new Error('a gateway serves one server; make another gateway for another one');
    const namespace = server.of('/');
    this.#namespace = namespace;
    this.#entrance.watch(server.engine);
    namespace.use((socket, next) => {
      door.admit(socket).then(() => {
        this.#entrance.leave(socket.conn);
        next();
      }, next);
    });
    namespace.on('connection', (socket) => reception.receive(socket));
  }

  /** Whether clients should be sent here: every one of {@link checks} passes. */
  get ready(): boolean {
    return Object.values(this.checks).every(({ ready }) => ready);
  }

  /**
   * What is asked of a gateway that serves: `redis` answers, the tail reads the `feed`, the `path` of events is open (as far as canaries
   * tell), and the `door` is not closed because the gateway stops.
   */
  get checks(): Readonly<Record<'redis' | 'feed' | 'path' | 'door', GatewayCheck>> {
    const { tail, path, door } = this.#running ?? {};
    return {
      redis: { ready: this.#commands.status === 'ready' },
      feed: { ready: tail?.ready ?? false },
      path: path?.state ?? { ready: false, detail: 'the gateway is not started' },
      door: door?.draining ? { ready: false, detail: 'the gateway is stopping' } : { ready: door !== undefined },
    };
  }

  /** Whether it is in charge of a server. */
  get attached(): boolean {
    return this.#namespace !== undefined;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** What it holds now, and did since it started; looks at every connection. */
  facts(): GatewayFacts {
    let bufferedBytes = 0;
    for (const connection of this.#connections.all()) bufferedBytes += connection.bufferedBytes;
    return {
      connections: this.#connections.size,
      replaying: this.#replayer.waiting,
      bufferedBytes,
      deliveries: this.#deliveries,
    };
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
    return this.#started.membership;
  }

  /** What rooms have seen; for commands and watch policies. */
  get history(): RoomHistory {
    return this.#started.history;
  }

  /**
   * Refuses new clients, tells the connected ones in a stagger to come back elsewhere, and ends every connection to Redis.
   * Idempotent. The Socket.IO server itself is its owner's to close, afterwards.
   */
  stop(): Promise<void> {
    this.#ending.abort();
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { log, bounds } = this.#settings;
    if (this.#running) {
      const { control, door, path, upkeep, tail } = this.#running;
      door.close();
      await drain(this.#connections, bounds.drainMs);
      upkeep.stop();
      control.stop();
      path.stop();
      await Promise.all([
        tail.stop(),
        this.#limits.connections.stop().catch((error: unknown) => {
          log.warn({ err: error }, 'this gateway could not say that it leaves; its connections count a while longer');
        }),
      ]);
    }
    disconnect(this.#commands);
    this.#adapter.close();
  }

  get #started(): Running {
    if (!this.#running) throw new Error('the gateway is not started');
    return this.#running;
  }

  #connect(use: ConnectionUse): RedisClient {
    return connect({
      url: this.#settings.redisUrl,
      use,
      name: `rejoin-gateway-${use}`,
      onError: (error) => this.#onRedisError(error),
    });
  }

  #onRedisError(error: Error): void {
    this.#settings.log.warn({ err: error }, 'connection to Redis failed');
  }

  #limitListener(): LimitListener {
    return {
      onLimited: (scope) => this.#settings.listener.onLimited?.(scope),
      onError: (error) => this.#settings.log.warn({ err: error }, 'counting connections failed, trying again'),
    };
  }

  #createPathProof(partitions: number): PathProof {
    const { keys, log, listener, canaryMs = 0 } = this.#settings;
    return new PathProof({
      client: this.#commands,
      keys,
      partitions,
      intervalMs: canaryMs,
      onProven: (roundTripMs) => listener.onCanary?.(roundTripMs),
      onError: (error) => log.warn({ err: error }, 'sending a canary failed, trying again'),
    });
  }

  #createTail(partitions: number, path: PathProof): FeedTail {
    const { keys, log, listener } = this.#settings;
    const tail = new FeedTail({
      client: this.#commands,
      connectBlocking: () => this.#connect('blocking'),
      keys,
      partitions: Array.from({ length: partitions }, (_, partition) => partition),
      listener: {
        onEntries: (partition, entries) => {
          path.seen(partition, entries);
          const addressed = entries.findLast(({ rooms }) => rooms[0] !== '');
          if (addressed) this.#lastAddressed.set(partition, addressed.entryId);
          if (this.#namespace) this.#connections.deliver(this.#namespace, partition, tail.epoch(partition), entries);
        },
        onHole: (partition, reason) => {
          log.warn({ partition, reason }, 'the tail has a hole: clients of the partition must resume');
          listener.onHole?.(partition, reason);
          path.forget(partition);
          this.#closeAll(this.#connections.ofPartition(partition), 'OVERLOADED');
        },
        onError: (error) => log.warn({ err: error }, 'reading the feed failed, trying again'),
      },
    });
    return tail;
  }

  /** A token that prolongs a connection is held to what one that opens it is. */
  async #authenticate(token: unknown): Promise<ConnectionPrincipal> {
    const principal = await this.#settings.authenticate(token);
    if (this.#revocations.covers(principal)) throw new RefusedError('AUTH_REVOKED', 'access was revoked');
    return principal;
  }

  #closeAll(connections: Iterable<Connection>, code: WireCode): void {
    for (const connection of [...connections]) connection.close(refusal(code, returnDelayMs()));
  }
}
