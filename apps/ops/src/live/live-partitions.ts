import type { Server as HttpServer } from 'node:http';
import { hasScope, type Principal, type TokenVerifier } from '@rejoin/identity';
import type { Actor, PartitionsPage } from '@rejoin/operations';
import type { Logger } from '@rejoin/runtime';
import { Server, type Socket } from 'socket.io';
import type { OperationsAccess } from '../operations/operations-access.ts';
import { historyOf } from './history.ts';

export interface LivePartitionsOptions {
  readonly server: HttpServer;
  readonly verifier: TokenVerifier;
  readonly operations: OperationsAccess;
  readonly logger: Logger;
  /** Milliseconds between two pushes; 1,000 by default. */
  readonly intervalMs?: number;
}

const PATH = '/v1/live';
const ROOM = 'watching';
/** Pushes between two histories, whose points are half a minute apart. */
const HISTORY_EVERY = 15;
/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** It looks on behalf of those who watch, each of whom may see all tenants. */
const EVERYONE: Actor = { user: 'console', tenant: null };

/**
 * The partitions, pushed to operators' consoles: to each the whole when it begins to watch, then once a second what changed.
 * One look serves all, and nobody looks while nobody watches. Over Socket.IO at `/v1/live`:
 * - client to server: `watch`, `unwatch`;
 * - server to client: `partitions` (a `PartitionsPage` with what changed; `whole`: with everything), `history`.
 *
 * A connection needs a token with `ops:read` that is bound to no tenant, and ends with it.
 */
export class LivePartitions {
  readonly #options: LivePartitionsOptions;
  readonly #io: Server;
  #timer: NodeJS.Timeout | undefined;
  #pushing = false;
  #pushes = 0;
  /** What the watchers have, by partition. */
  #sent = new Map<number, string>();

  constructor(options: LivePartitionsOptions) {
    this.#options = options;
    this.#io = new Server(options.server, {
      path: PATH,
      transports: ['websocket'],
      serveClient: false,
      maxHttpBufferSize: 16_384,
      connectTimeout: 5_000,
    });
    this.#io.use((socket, next) => {
      this.#admit(socket).then(
        () => next(),
        (error: unknown) => next(error instanceof Error ? error : new Error(String(error))),
      );
    });
    this.#io.on('connection', (socket) => this.#serve(socket));
  }

  /** Closes every connection; the HTTP server stays its owner's. Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#io.disconnectSockets(true);
    this.#io.engine.close();
  }

  async #admit(socket: Socket): Promise<void> {
    const { token } = socket.handshake.auth as { token?: unknown };
    const principal = await this.#options.verifier.verify(typeof token === 'string' ? token : undefined);
    if (!hasScope(principal, 'ops:read')) throw new Error('the token lacks the scope ops:read');
    if (principal.tenantId !== undefined) throw new Error('this concerns every tenant, and the token is bound to one');
    (socket.data as { principal?: Principal }).principal = principal;
  }

  #serve(socket: Socket): void {
    const { principal } = socket.data as { principal: Principal };
    const leftMs = Math.min(principal.expiresAtMs - Date.now(), MAX_TIMER_MS);
    const end = setTimeout(() => socket.disconnect(true), Math.max(leftMs, 0));
    socket.on('disconnect', () => {
      clearTimeout(end);
      this.#rest();
    });
    socket.on('unwatch', () => {
      void socket.leave(ROOM);
      this.#rest();
    });
    socket.on('watch', () => {
      void socket.join(ROOM);
      this.#timer ??= setInterval(() => void this.#push(), this.#options.intervalMs ?? 1_000);
      // The newcomer has nothing yet; the others take the whole again.
      this.#sent.clear();
      this.#pushes = 0;
      void this.#push();
    });
  }

  #rest(): void {
    if (this.#io.sockets.adapter.rooms.get(ROOM)?.size) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #push(): Promise<void> {
    if (this.#pushing) return;
    this.#pushing = true;
    try {
      const { partitions } = await this.#options.operations.open();
      const watchers = this.#io.to(ROOM);
      if (this.#pushes % HISTORY_EVERY === 0)
        watchers.emit('history', historyOf(partitions.hours(EVERYONE), Date.now()));
      this.#pushes += 1;
      watchers.emit('partitions', this.#changes(await partitions.list(EVERYONE, { limit: partitions.count })));
    } catch (error) {
      // Redis is away: the console sees that its figures grow old, and asks over HTTP, which says why.
      this.#options.logger.warn({ err: error }, 'looking at the partitions for the console failed, trying again');
    } finally {
      this.#pushing = false;
    }
  }

  #changes({ items, ...facts }: PartitionsPage) {
    const whole = this.#sent.size === 0;
    const changed = items.filter((item) => {
      const text = JSON.stringify(item);
      const isNew = this.#sent.get(item.partition) !== text;
      this.#sent.set(item.partition, text);
      return isNew;
    });
    return { ...facts, items: changed, whole };
  }
}
