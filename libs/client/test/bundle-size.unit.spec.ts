import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { type BuildOptions, build } from 'esbuild';

const ROOM = fileURLToPath(new URL('..', import.meta.url));
const LIMIT_BYTES = 6 * 1024;
const SHARING_LIMIT_BYTES = 2 * 1024;

/** As a page would load it: one minified module, compressed. */
async function bundle(input: BuildOptions): Promise<{ readonly bytes: number; readonly inputs: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    ...input,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@rejoin/source'],
    write: false,
    metafile: true,
    absWorkingDir: ROOM,
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    bytes: gzipSync(outputFiles?.[0]?.contents ?? '', { level: 9 }).length,
    inputs: inputs.map(([name]) => name),
  };
}

const page = (contents: string) => bundle({ stdin: { contents, resolveDir: ROOM } });

it('adds at most 6 KB, compressed, to what socket.io-client weighs alone; the sharing of tabs, where it is used, at most 2', async () => {
  const stock = await page("export { io } from 'socket.io-client'");
  const client = await page(
    "export { createClient, RejoinError, UnauthorizedError, memoryStore, localStorageStore, indexedDbStore } from './src/index.ts'",
  );
  const everything = await page("export * from './src/index.ts'");
  expect(stock.bytes).toBeGreaterThan(10_000);
  expect(client.bytes - stock.bytes).toBeGreaterThan(3_000);
  expect(client.bytes - stock.bytes).toBeLessThanOrEqual(LIMIT_BYTES);
  expect(everything.bytes - client.bytes).toBeLessThanOrEqual(SHARING_LIMIT_BYTES);
});

it('holds nothing that a browser does not need', async () => {
  const { inputs } = await bundle({ entryPoints: ['src/index.ts'] });
  expect(inputs.filter((name) => /valibot|node:/.test(name))).toEqual([]);
  expect(inputs.some((name) => name.includes('libs/protocol') || name.includes('protocol/src'))).toBe(true);
});
