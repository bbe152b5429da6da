import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, ServerOptions, Socket } from 'socket.io';
import { clientParser } from './commands/client-parser.ts';
import type { GatewayBounds } from './options.ts';
import { OriginPolicy } from './origin-policy.ts';
import { Vestibule } from './vestibule.ts';
import { webSocketServer } from './web-socket-server.ts';

type Transport = Socket['conn'];

export interface EntranceOptions {
  readonly bounds: GatewayBounds;
  /** See `ResumableGatewayOptions`. */
  readonly allowedOrigins: readonly string[];
  /** The client's address; not a proxy's. */
  addressOf(request: IncomingMessage): string;
  /** Somebody was refused by a limit. */
  onLimited(scope: string): void;
}

/**
 * What holds for everybody, whether admitted or not: pages of which origins may open a transport, how many transports may wait to be
 * admitted, how large a packet may be and what one may contain. It asks for no token and reads nothing from Redis.
 */
export class Entrance {
  readonly #bounds: GatewayBounds;
  readonly #origins: OriginPolicy;
  readonly #vestibule: Vestibule;
  readonly #onLimited: (scope: string) => void;

  constructor({ bounds, allowedOrigins, addressOf, onLimited }: EntranceOptions) {
    this.#bounds = bounds;
    this.#origins = new OriginPolicy(allowedOrigins);
    this.#vestibule = new Vestibule({ ...bounds, addressOf, onLimited });
    this.#onLimited = onLimited;
  }

  /** What the Socket.IO server must be made with. */
  serverOptions(): Partial<ServerOptions> {
    const { maxClientPacketBytes, handshakeTimeoutMs } = this.#bounds;
    return {
      maxHttpBufferSize: maxClientPacketBytes,
      connectTimeout: handshakeTimeoutMs,
      parser: clientParser(this.#bounds),
      wsEngine: webSocketServer(() => this.#onLimited('client_packet')),
      cors: this.#origins.cors,
      allowRequest: (request, callback) => {
        const code = this.#origins.allows(request) ? this.#vestibule.refuses(request) : 'ORIGIN_FORBIDDEN';
        callback(code, code === null);
      },
    };
  }

  /** Looks at every transport and request from now on. */
  watch(engine: Server['engine']): void {
    engine.on('connection', (transport: Transport) => {
      this.#vestibule.enter(transport, transport.request as IncomingMessage);
    });
    engine.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      // What a client that polls sends: Engine.IO answers for itself where it is too large, and tells nobody.
      if (request.method === 'POST') response.on('finish', () => this.#onAnswered(response.statusCode));
      next();
    });
  }

  /** A client was admitted through this transport, which waits no more. */
  leave(transport: Transport): void {
    this.#vestibule.leave(transport);
  }

  #onAnswered(status: number): void {
    if (status === PAYLOAD_TOO_LARGE) this.#onLimited('client_packet');
  }
}

const PAYLOAD_TOO_LARGE = 413;
