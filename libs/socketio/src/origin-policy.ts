import type { IncomingMessage } from 'node:http';

/** The `Origin` header is a browser's; other clients send none, and could send any. */
export class OriginPolicy {
  readonly #allowed: ReadonlySet<string>;
  readonly #any: boolean;

  /** @param allowed exact origins such as `https://app.example.com`, or `*` for any */
  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed);
    this.#any = this.#allowed.has('*');
  }

  /** Whether a page of the request's origin may connect: one that is listed, or this server's own. */
  allows({ headers }: IncomingMessage): boolean {
    const { origin, host } = headers;
    if (origin === undefined || this.#any || this.#allowed.has(origin)) return true;
    return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
  }

  /** What pages may read of this server's answers. It alone does not guard a WebSocket upgrade. */
  get cors(): { readonly origin: string | string[] } {
    return { origin: this.#any ? '*' : [...this.#allowed] };
  }
}
