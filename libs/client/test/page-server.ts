import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

export interface PageServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves one page with one script, bundled as a page would have it, from an origin on which browsers allow everything. */
export async function servePage(entry: BuildOptions): Promise<PageServer> {
  const { outputFiles } = await build({
    ...entry,
    bundle: true,
    format: 'iife',
    platform: 'browser',
    conditions: ['@rejoin/source'],
    define: { 'process.env.NODE_ENV': '"production"' },
    absWorkingDir: fileURLToPath(new URL('../../..', import.meta.url)),
    write: false,
  });
  const script = outputFiles?.[0]?.text ?? '';
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>page</title><main></main><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, stop };
}
