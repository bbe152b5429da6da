import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves what a test says, and counts the requests. */
export class KeyServer {
  requests = 0;
  readonly #server: Server;
  #answer: (response: ServerResponse) => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<KeyServer> {
    const server = createServer();
    const keyServer = new KeyServer(server);
    server.on('request', (_, response: ServerResponse) => {
      keyServer.requests += 1;
      keyServer.#answer(response);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return keyServer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json`;
  }

  serve(...keys: readonly object[]): void {
    this.answer((response) => response.end(JSON.stringify({ keys })));
  }

  answer(answer: (response: ServerResponse) => void): void {
    this.#answer = answer;
  }

  /** Cuts every connection instead of answering. */
  fail(): void {
    this.answer((response) => response.destroy());
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}
