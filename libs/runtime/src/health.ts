import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a process reports of itself. Each check is named; the process is ready when all are. */
export interface Health {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ready: boolean; readonly detail?: string }>>;
}

/** Answers `/health/live` and `/health/ready`; says whether it did. */
export function answerHealth(request: IncomingMessage, response: ServerResponse, health: () => Health): boolean {
  const path = (request.url ?? '').split('?', 1)[0];
  if (path === '/health/live') {
    respond(response, 200, { live: true });
    return true;
  }
  if (path === '/health/ready') {
    const report = health();
    respond(response, report.ready ? 200 : 503, report);
    return true;
  }
  return false;
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** Answers a request, or says that it is none of its own. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * A server for a process that speaks HTTP for its operators alone.
 * @param also answers what is not about health, such as `/metrics`
 */
export async function startHealthServer(
  port: number,
  health: () => Health,
  also: Answer = () => false,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (answerHealth(request, response, health) || also(request, response)) return;
    respond(response, 404, { code: 'NOT_FOUND' });
  });
  await listen(server, port);
  return {
    url: serverUrl(server),
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** The loopback URL of a listening server. */
export function serverUrl(server: Pick<Server, 'address'>): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
