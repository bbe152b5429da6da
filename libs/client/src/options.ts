import type { ManagerOptions, SocketOptions } from 'socket.io-client';
import type { BackoffOptions } from './backoff.ts';
import type { CursorStore } from './cursor-store.ts';
import type { Link, LinkListener } from './link.ts';

/** Of a step on the way to a connection, and of a command. */
export const DEFAULT_TIMEOUT_MS = 15_000;

export interface ClientOptions {
  /** A gateway, or several: after a failure the next one is tried. A function is asked before every attempt. */
  readonly url: string | readonly string[] | (() => string);
  /**
   * Gives a JWT; asked before every attempt to connect and before a token ends. Where it fails it is asked again later; where
   * it throws {@link UnauthorizedError} the client stops.
   */
  readonly token: () => string | Promise<string>;
  /** Event types to receive, as `order.*`. All, where absent. What it leaves out does not even travel. */
  readonly events?: readonly string[];
  /** Where the position outlives the page; {@link memoryStore} by default, so that a new page begins with the present. */
  readonly store?: CursorStore;
  /**
   * Part of every storage key, `rejoin` by default. Clients of one user that receive different events, or handle them for
   * different purposes, need different names: a position belongs to one of them.
   */
  readonly name?: string;
  /**
   * {@link sharedByTabs}: the tabs of this browser share one connection, namely those of the same user, `name` and `events`. Each
   * hands every event to its own handlers; what one of them has handled counts for the `store`. By default, and where the browser
   * lacks Web Locks (a page that is not of a secure origin), each tab has its own.
   */
  readonly connection?: (options: ClientOptions, listener: LinkListener) => Link;
  readonly backoff?: BackoffOptions;
  /** Runs of a handler before an event counts as handled although it throws; 1 by default. Each is a backoff later. */
  readonly handlerAttempts?: number;
  /** How many events may wait for handlers before the connection is given up until they have caught up; 10,000 by default. */
  readonly maxWaiting?: number;
  /** At most so often is the position told to the gateway, in milliseconds; 5,000 by default. */
  readonly ackIntervalMs?: number;
  /** At most so often is the position written to the store, in milliseconds; 100 by default. */
  readonly saveIntervalMs?: number;
  /** Longest wait for a connection, for `token()` and for the answer to a command, in milliseconds; 15,000 by default. */
  readonly timeoutMs?: number;
  /** The installation's `JWT_TENANT_CLAIM`; `tenant_id` by default. */
  readonly tenantClaim?: string;
  /** The command that watches and unwatches a resource; by default `order:991` is watched by `orders:watch {orderId: "991"}`. */
  readonly watchCommand?: (resource: string, verb: 'watch' | 'unwatch') => readonly [command: string, payload: object];
  /** Further options of `socket.io-client`: `path`, `transports` (WebSocket alone by default), `extraHeaders`. */
  readonly socket?: Partial<ManagerOptions & SocketOptions>;
}
