import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
import { type BuildOptions, build } from 'esbuild';
import { browserFile } from '../../../scripts/bundle-client.mjs';

const ROOM = fileURLToPath(new URL('..', import.meta.url));
/** 6 KB as memory is counted, by 1,024. */
const LIMIT_BYTES = 6 * 1024;

const compressed = (text: string): number => gzipSync(text, { level: 9 }).length;

const fromSources: BuildOptions = { format: 'esm', conditions: ['@rejoin/source'], absWorkingDir: ROOM };

it('is at most 6 KB larger than the file of socket.io-client, as pages load both: minified and compressed', async () => {
  const published = join(dirname(createRequire(import.meta.url).resolve('socket.io-client')), '../../dist');
  const stock = compressed(readFileSync(join(published, 'socket.io.esm.min.js'), 'utf8'));
  const { code } = await browserFile({ ...fromSources, entryPoints: ['src/index.ts'] });
  expect(stock).toBeGreaterThan(10_000);
  const beyond = compressed(code) - stock;
  expect(beyond).toBeGreaterThan(3_000);
  expect(beyond).toBeLessThanOrEqual(LIMIT_BYTES);
});

it('holds nothing that a browser does not need', async () => {
  const { metafile } = await build({
    ...fromSources,
    entryPoints: ['src/index.ts'],
    bundle: true,
    minify: true,
    platform: 'browser',
    write: false,
    metafile: true,
  });
  const inputs = Object.entries(Object.values(metafile?.outputs ?? {})[0]?.inputs ?? {})
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([name]) => name);
  expect(inputs.filter((name) => /valibot|node:/.test(name))).toEqual([]);
  expect(inputs.some((name) => name.includes('libs/protocol') || name.includes('protocol/src'))).toBe(true);
});
