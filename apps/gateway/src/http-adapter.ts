import { createServer } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';

export interface HttpBounds {
  /** How long a client may take for a request's headers, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** TCP connections; further ones are closed as they come. */
  readonly maxConnections: number;
}

/** A request must have arrived by then, in milliseconds; slower ones are answered 408. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often is looked for late ones, in milliseconds. */
const MAX_CHECK_INTERVAL_MS = 1_000;

/** Express on a server that does not wait for clients that send their requests drop by drop, or open connections for nothing. */
export class BoundedHttpAdapter extends ExpressAdapter {
  readonly #bounds: HttpBounds;

  constructor(bounds: HttpBounds) {
    super();
    this.#bounds = bounds;
  }

  override initHttpServer(): void {
    const { headersTimeoutMs, maxConnections } = this.#bounds;
    const server = createServer(
      {
        headersTimeout: headersTimeoutMs,
        requestTimeout: Math.max(REQUEST_TIMEOUT_MS, headersTimeoutMs),
        connectionsCheckingInterval: Math.min(MAX_CHECK_INTERVAL_MS, headersTimeoutMs),
      },
      this.getInstance(),
    );
    server.maxConnections = maxConnections;
    this.httpServer = server;
  }
}
