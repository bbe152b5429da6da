import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

interface ConsoleFile {
  readonly type: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Nothing from elsewhere, no inline script or style, no frame around it. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'accept-encoding, accept',
};

/** Belongs to others, so the console answers nothing there. */
const FOREIGN = /^\/(v1|metrics|health)(\/|$)/;

/**
 * The built console: its assets by name, kept for ever since their names change with them, and for any other path that a browser
 * wants a page of, the page. It holds no secrets, so anybody may load it; what it shows needs a token.
 */
export class ConsoleFiles {
  readonly #files = new Map<string, ConsoleFile>();

  /** @param directory what `scripts/bundle-console.mjs` makes; where it is missing, there is no console */
  constructor(directory: URL = new URL('../../../console/dist/browser/', import.meta.url)) {
    if (!existsSync(new URL('index.html', directory))) return;
    const names = readdirSync(new URL('assets/', directory)).map((name) => `assets/${name}`);
    for (const name of ['index.html', ...names]) {
      const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
      if (type === undefined) continue;
      const file = new URL(name, directory);
      this.#files.set(`/${name}`, {
        type,
        body: readFileSync(file),
        gzipped: readFileSync(new URL(`${name}.gz`, directory)),
      });
    }
  }

  get present(): boolean {
    return this.#files.size > 0;
  }

  /** Whether the request was for the console, and is answered. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    if ((request.method !== 'GET' && request.method !== 'HEAD') || FOREIGN.test(path)) return false;
    const asset = path.startsWith('/assets/') ? this.#files.get(path) : undefined;
    const wantsPage = /\btext\/html\b/.test(request.headers.accept ?? '') || path === '/';
    const file = asset ?? (wantsPage && !path.startsWith('/assets/') ? this.#files.get('/index.html') : undefined);
    if (!file) return false;
    const gzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const body = gzip ? file.gzipped : file.body;
    response.writeHead(200, {
      ...HEADERS,
      'content-type': file.type,
      'content-length': body.length,
      'cache-control': asset ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  }
}
