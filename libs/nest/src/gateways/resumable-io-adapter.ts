import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { ResumableGateway } from '@rejoin/socketio';
import type { Server, ServerOptions, Socket } from 'socket.io';

/**
 * Makes every `@WebSocketGateway()` of a Nest application one that resumes its clients. Install it before the application
 * is initialised: Nest ignores an adapter that comes later.
 *
 *     app.useWebSocketAdapter(new ResumableIoAdapter(app, gateway, { transports: ['websocket'] }));
 */
export class ResumableIoAdapter extends IoAdapter {
  readonly #gateway: ResumableGateway;
  readonly #options: Partial<ServerOptions>;

  /** @param gateway started, and not attached to another server */
  constructor(app: INestApplicationContext, gateway: ResumableGateway, options: Partial<ServerOptions> = {}) {
    super(app);
    this.#gateway = gateway;
    this.#options = options;
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const all = { ...options, ...this.#options, ...this.#gateway.serverOptions() } as ServerOptions;
    const server: Server = super.createIOServer(port, all);
    this.#gateway.attach(server);
    return server;
  }

  /**
   * Nest's own keeps some 2 KiB of observables for every client, for message handlers that a resumable gateway refuses at start:
   * commands take their pipeline.
   */
  override bindMessageHandlers(): void {}

  /** As Nest's own, without a function around each callback, of which there is one for every gateway class and client. */
  override bindClientDisconnect(client: Socket, callback: (reason: string) => void): void {
    client.on('disconnect', callback);
  }
}
