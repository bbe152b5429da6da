import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { type ProxyTarget, parseTarget } from './proxy-target.ts';

/** `requests` flow to the server, `replies` from it. */
export type Direction = 'requests' | 'replies';

type Mode = 'forward' | 'stall' | 'drop';

/**
 * A loopback TCP proxy in front of a server, for tests of what a network can do: be slow, go silent, lose replies, break.
 * It starts transparent.
 */
export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  #target: ProxyTarget;
  readonly #links = new Set<Link>();
  readonly #modes: Record<Direction, Mode> = { requests: 'forward', replies: 'forward' };
  readonly #delayMs: Record<Direction, number> = { requests: 0, replies: 0 };
  #refusing = false;
  #refusals = 0;
  #losing: { readonly pattern: Buffer; readonly lost: () => void } | undefined;

  private constructor(server: Server, target: ProxyTarget) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
  }

  /** @param url of the server: `redis://host:port`, `http://host:port` or `unix:///path` */
  static async start(url: string): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new TcpProxy(server, parseTarget(url));
    server.on('connection', (client) => proxy.#accept(client));
    return proxy;
  }

  /** The server's URL with the proxy in its place. */
  get url(): string {
    return this.#target.urlAt(this.port);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#links.size;
  }

  /** Connections that were refused so far. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Delays every chunk by `ms`, keeping their order. 0 ends it. */
  delay(ms: number, direction: Direction | 'both' = 'both'): void {
    for (const each of directions(direction)) this.#delayMs[each] = ms;
  }

  /** Holds bytes back without breaking the connection: the peer sees silence. `resume()` delivers them. */
  stall(direction: Direction | 'both' = 'both'): void {
    this.#setMode(direction, 'stall');
  }

  /** Throws bytes away. `resume()` cuts the connections that lost some, for their stream makes no sense any more. */
  drop(direction: Direction | 'both' = 'both'): void {
    this.#setMode(direction, 'drop');
  }

  /**
   * Lets the next request that contains `pattern` reach the server, throws its reply away, and cuts the connection: the
   * caller cannot know whether it was done. Resolves then.
   */
  loseReplyTo(pattern: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#losing = { pattern: Buffer.from(pattern), lost: resolve };
    });
  }

  /** Breaks every open connection; new ones are welcome. */
  cut(): void {
    for (const link of this.#links) link.destroy();
  }

  /** Breaks every open connection and refuses new ones until `resume()`. */
  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  /**
   * Leaves both ends of the connections that are open now alone with each other: nothing arrives any more, and neither is told,
   * as where a machine or the way to it is gone. New connections are welcome, and `resume()` cuts the old ones.
   */
  blackHole(): void {
    for (const link of this.#links) link.swallow();
  }

  /** Connections from now on go to another server, in place of the one that was here. */
  retarget(url: string): void {
    this.#target = parseTarget(url);
  }

  /** Ends `stall`, `drop`, `delay` and `refuse`. */
  resume(): void {
    this.#refusing = false;
    this.delay(0);
    this.#setMode('both', 'forward');
    for (const link of this.#links) link.resume();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  #setMode(direction: Direction | 'both', mode: Mode): void {
    for (const each of directions(direction)) this.#modes[each] = mode;
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      this.#refusals += 1;
      client.on('error', ignoreBrokenConnection);
      client.resetAndDestroy();
      return;
    }
    const upstream = createConnection(this.#target.address);
    const link = new Link(client, upstream, {
      mode: (direction) => this.#modes[direction],
      delayMs: (direction) => this.#delayMs[direction],
      losesReplyTo: (request) => {
        const losing = this.#losing;
        if (!losing || !request.includes(losing.pattern)) return null;
        this.#losing = undefined;
        return losing.lost;
      },
    });
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
  }
}

interface Behaviour {
  mode(direction: Direction): Mode;
  delayMs(direction: Direction): number;
  /** What to call once the reply to this request was thrown away; `null` where it is to be delivered. */
  losesReplyTo(request: Buffer): (() => void) | null;
}

/** One proxied connection. */
class Link {
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #behaviour: Behaviour;
  readonly #held: Record<Direction, Buffer[]> = { requests: [], replies: [] };
  readonly #queues: Record<Direction, Promise<void>> = { requests: Promise.resolve(), replies: Promise.resolve() };
  #lostBytes = false;
  #swallowing = false;
  #replyLost: (() => void) | null = null;

  constructor(client: Socket, upstream: Socket, behaviour: Behaviour) {
    this.#client = client;
    this.#upstream = upstream;
    this.#behaviour = behaviour;
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', ignoreBrokenConnection);
    }
    this.closed = Promise.all([this.#end(client, upstream), this.#end(upstream, client)]).then(() => undefined);
    client.on('data', (chunk: Buffer) => {
      this.#replyLost ??= behaviour.losesReplyTo(chunk);
      this.#handle('requests', chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (this.#replyLost) {
        this.#replyLost();
        this.destroy();
        return;
      }
      this.#handle('replies', chunk);
    });
  }

  /** Resolves when `socket` is closed; the other end learns of it, except in a black hole. */
  #end(socket: Socket, other: Socket): Promise<void> {
    return new Promise((resolve) => {
      socket.on('close', () => {
        if (!this.#swallowing) other.destroy();
        resolve();
      });
    });
  }

  destroy(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  swallow(): void {
    this.#swallowing = true;
    this.#lostBytes = true;
  }

  resume(): void {
    if (this.#lostBytes) {
      this.destroy();
      return;
    }
    for (const direction of directions('both')) {
      for (const chunk of this.#held[direction].splice(0)) this.#forward(direction, chunk);
    }
  }

  #handle(direction: Direction, chunk: Buffer): void {
    const mode = this.#behaviour.mode(direction);
    if (mode === 'drop' || this.#swallowing) this.#lostBytes = true;
    else if (mode === 'stall') this.#held[direction].push(chunk);
    else this.#forward(direction, chunk);
  }

  #forward(direction: Direction, chunk: Buffer): void {
    const to = direction === 'requests' ? this.#upstream : this.#client;
    const ms = this.#behaviour.delayMs(direction);
    const due = ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
    this.#queues[direction] = Promise.all([this.#queues[direction], due]).then(() => {
      if (!to.destroyed) to.write(chunk);
    });
  }
}

function directions(direction: Direction | 'both'): readonly Direction[] {
  return direction === 'both' ? ['requests', 'replies'] : [direction];
}

/** Broken connections are this proxy's business; both ends see them as such. */
function ignoreBrokenConnection(): void {}
