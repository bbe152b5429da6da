import type { NetConnectOpts } from 'node:net';

export interface ProxyTarget {
  readonly address: NetConnectOpts;
  /** The same URL with a loopback port in place of the server's address. */
  urlAt(port: number): string;
}

export function parseTarget(text: string): ProxyTarget {
  const url = new URL(text);
  if (url.protocol === 'unix:') {
    return { address: { path: decodeURIComponent(url.pathname) }, urlAt: (port) => `redis://127.0.0.1:${port}` };
  }
  const address = { host: url.hostname, port: Number(url.port || (url.protocol === 'redis:' ? 6379 : 80)) };
  return {
    address,
    urlAt(port) {
      const proxied = new URL(text);
      proxied.hostname = '127.0.0.1';
      proxied.port = String(port);
      return proxied.href.replace(/\/$/, '');
    },
  };
}
