import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerHealth, type Health } from '@rejoin/runtime';
import type { ProcessMetrics } from '@rejoin/telemetry';
import { ACTIONS, type Action, type ActionOptions } from './actions.ts';
import { CAST } from './cast.ts';
import type { PageFiles } from './page-files.ts';

export interface HttpServerOptions extends ActionOptions {
  readonly page: PageFiles;
  readonly gatewayUrls: readonly string[];
  health(): Health;
  readonly metrics: ProcessMetrics;
  /** Adds a viewer of what happens; false where there are too many. */
  addViewer(viewer: ServerResponse): boolean;
}

const MAX_BODY_BYTES = 1_024;
const READS = ['GET', 'HEAD'];

/**
 * The demo's HTTP side: the page at `/`, `GET /cast` (whom it can sign in, and the gateways), `GET /happenings` (server-sent
 * events), `POST /tokens` and `POST /orders` with `{"tenant", "user"}`, `POST /kill` with `{"name"}`, and health.
 */
export function createDemoServer(options: HttpServerOptions): Server {
  const security = securityHeaders(options);
  return createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    for (const [name, value] of Object.entries(security)) response.setHeader(name, value);
    if (answerHealth(request, response, options.health) || options.metrics.answer(request, response)) return;
    answer(request, response, options).catch((error: unknown) => {
      // A client that went away while it sent its body.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HttpServerOptions): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] as string;
  const act = ACTIONS[path];
  if (act) {
    if (request.method !== 'POST') return refuse(response, 405, 'METHOD_NOT_ALLOWED', 'use POST', { allow: 'POST' });
    return answerAction(request, response, options, act);
  }
  const file = options.page.files.get(path);
  if (!file && path !== '/cast' && path !== '/happenings') return refuse(response, 404, 'NOT_FOUND', 'no such page');
  if (!READS.includes(request.method ?? '')) {
    return refuse(response, 405, 'METHOD_NOT_ALLOWED', 'use GET', { allow: READS.join(', ') });
  }
  if (file) {
    response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-cache' });
    response.end(file.body);
  } else if (path === '/cast') {
    json(response, 200, {
      members: CAST,
      gateways: options.gatewayUrls,
      signsTokens: options.mint !== null,
      kills: options.supervisor.programs !== null && isLocal(request),
    });
  } else if (!options.addViewer(response)) {
    refuse(response, 503, 'OVERLOADED', 'too many pages are open');
  }
}

/** Gives an action the JSON object that it is sent. */
async function answerAction(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpServerOptions,
  act: Action,
): Promise<void> {
  // Another site's page cannot send this type without asking first, and is not answered when it asks.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    return refuse(response, 415, 'UNSUPPORTED_MEDIA_TYPE', 'send application/json');
  }
  const body = await readBody(request);
  if (body === null) return refuse(response, 413, 'TOO_LARGE', `send at most ${MAX_BODY_BYTES} bytes`);
  const answer = act(parseObject(body), options, isLocal(request));
  if ('code' in answer) refuse(response, answer.status, answer.code, answer.detail, answer.headers);
  else json(response, answer.status, answer.body);
}

const LOOPBACK = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/;
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Its host is looked at as well: a name that somebody else owns may be made to point here (DNS rebinding). */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  return LOOPBACK.test(socket.remoteAddress ?? '') && LOCAL_HOST.test(headers.host ?? '');
}

/** The body, or `null` where it is too large. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString('utf8');
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // It names nobody, and is answered so.
    return {};
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ status, code, detail }));
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function securityHeaders({ page, gatewayUrls }: HttpServerOptions): Readonly<Record<string, string>> {
  const gateways = gatewayUrls.flatMap((url) => [url, url.replace(/^http/, 'ws')]);
  return {
    'content-security-policy': [
      "default-src 'none'",
      `script-src ${page.scriptSources}`,
      "style-src 'self'",
      "font-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${gateways.join(' ')}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
}
