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
  /** Milliseconds between two pushes; by default one second, and two of many partitions. */
  readonly intervalMs?: number;
}

const PATH = '/v1/live';
const ROOM = 'watching';
/** Between two histories, whose points are half a minute apart. */
const HISTORY_EVERY_MS = 15_000;
/** A look costs as much as there are partitions, so that of many there are fewer. */
const MS_PER_PARTITION = 30;
const MIN_INTERVAL_MS = 1_000;
const MAX_INTERVAL_MS = 2_000;
/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** It looks on behalf of those who watch, each of whom may see all tenants. */
const EVERYONE: Actor = { user: 'console', tenant: null };

/**
 * The partitions, pushed to operators' consoles: to each the whole when it begins to watch, then what changed, once a second,
 * or every two where there are many partitions. One look serves all, and nobody looks while nobody watches. Over Socket.IO at
 * `/v1/live`:
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
  #stopped = false;
  #historyAtMs = Number.NEGATIVE_INFINITY;
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
    clearTimeout(this.#timer);
    this.#stopped = true;
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
      // The newcomer has nothing yet; the others take the whole again.
      this.#sent.clear();
      this.#historyAtMs = Number.NEGATIVE_INFINITY;
      clearTimeout(this.#timer);
      void this.#push();
    });
  }

  get #isWatched(): boolean {
    return !this.#stopped && (this.#io.sockets.adapter.rooms.get(ROOM)?.size ?? 0) > 0;
  }

  #rest(): void {
    if (this.#isWatched) return;
    clearTimeout(this.#timer);
  }

  async #push(): Promise<void> {
    if (this.#pushing) return;
    this.#pushing = true;
    let intervalMs = this.#options.intervalMs ?? MIN_INTERVAL_MS;
    try {
      const { partitions } = await this.#options.operations.open();
      intervalMs = this.#options.intervalMs ?? pushEveryMs(partitions.count);
      const watchers = this.#io.to(ROOM);
      if (performance.now() - this.#historyAtMs >= HISTORY_EVERY_MS) {
        this.#historyAtMs = performance.now();
        watchers.emit('history', historyOf(partitions.hours(EVERYONE), Date.now()));
      }
      watchers.emit('partitions', this.#changes(await partitions.list(EVERYONE, { limit: partitions.count })));
    } catch (error) {
      // Redis is away: the console sees that its figures grow old, and asks over HTTP, which says why.
      this.#options.logger.warn({ err: error }, 'looking at the partitions for the console failed, trying again');
    } finally {
      this.#pushing = false;
      if (this.#isWatched) this.#timer = setTimeout(() => void this.#push(), intervalMs);
    }
  }

  #changes({ items, ...facts }: PartitionsPage) {
    const whole = this.#sent.size === 0;
    const changed = items.filter((item) => {
      // A lease's countdown alone is no news.
      const text = JSON.stringify({ ...item, lease: item.lease?.token });
      const isNew = this.#sent.get(item.partition) !== text;
      this.#sent.set(item.partition, text);
      return isNew;
    });
    return { ...facts, items: changed, whole };
  }
}

function pushEveryMs(partitions: number): number {
  return Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, partitions * MS_PER_PARTITION));
}
