import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';

const CONFIGURATION = fileURLToPath(new URL('../../../../deploy/haproxy/haproxy.cfg', import.meta.url));

/** The load balancer that ships with the system, by its own configuration, in front of gateways. */
export class LoadBalancer {
  /** Where clients come. */
  readonly url: string;
  /** Where its own metrics are. */
  readonly adminUrl: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #output: string[] = [];

  private constructor(url: string, adminUrl: string, child: ChildProcess) {
    this.url = url;
    this.adminUrl = adminUrl;
    this.#child = child;
    this.#exited = once(child, 'close');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#output.push(text));
    }
  }

  /**
   * @param gateways their URLs
   * @throws Error where haproxy is missing or refuses its configuration
   */
  static async start([first, second]: readonly [string, string]): Promise<LoadBalancer> {
    const [clients, admin] = await Promise.all([listening(), listening()]);
    const child = spawn('haproxy', ['-db', '-f', CONFIGURATION], {
      stdio: ['ignore', 'pipe', 'pipe', descriptorOf(clients), descriptorOf(admin)],
      env: {
        // As scripts/provide-load-balancer.mjs looks for it.
        PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`,
        // Sockets that it inherits, so that no port can be taken by somebody else in between.
        BIND: 'fd@3',
        ADMIN_BIND: 'fd@4',
        GATEWAY_1: new URL(first).host,
        GATEWAY_2: new URL(second).host,
      },
    });
    const balancer = new LoadBalancer(urlOf(clients), urlOf(admin), child);
    await once(child, 'spawn');
    for (const server of [clients, admin]) server.close();
    return balancer;
  }

  /** What it wrote: one JSON object for each request, and what happens to gateways. */
  get output(): string {
    return this.#output.join('');
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}

async function listening(): Promise<Server> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function descriptorOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
