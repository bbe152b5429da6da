import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const DIST = 'libs/client/dist';
const BUNDLES = [
  // For `<script type="module">` and import maps.
  { outfile: `${DIST}/browser/rejoin-client.js`, format: 'esm' },
  // For a plain `<script>`: a global `Rejoin`.
  { outfile: `${DIST}/browser/rejoin-client.global.js`, format: 'iife', globalName: 'Rejoin' },
];

/** The client as one file for browsers, socket.io-client included. Nothing is done where it is newer than what it is made of. */
export async function bundleClient() {
  const builtAt = ({ outfile }) => (existsSync(outfile) ? statSync(outfile).mtimeMs : 0);
  const compiledAt = Math.max(...[DIST, 'libs/protocol/dist'].map((dist) => statSync(`${dist}/.tsbuildinfo`).mtimeMs));
  for (const { outfile, ...bundle } of BUNDLES.filter((one) => builtAt(one) < compiledAt)) {
    const { code, map } = await browserFile({ ...bundle, entryPoints: [`${DIST}/index.js`] });
    mkdirSync(dirname(outfile), { recursive: true });
    writeFileSync(outfile, `${code}//# sourceMappingURL=${basename(outfile)}.map\n`);
    writeFileSync(`${outfile}.map`, map);
  }
}

/** One file as small as it gets: esbuild shortens private names, and swc finds 2 % more in what is left. */
export async function browserFile(input) {
  // Not at the top: this file is loaded before the dependencies are installed.
  const [{ build }, { minify }] = await Promise.all([import('esbuild'), import('@swc/core')]);
  const { outputFiles } = await build({
    ...input,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: 'es2022',
    write: false,
    outfile: 'bundle.js',
    sourcemap: 'external',
    logLevel: 'warning',
  });
  const [map, bundle] = outputFiles;
  return minify(bundle.text, {
    module: input.format === 'esm',
    compress: { passes: 3, ecma: 2022 },
    mangle: true,
    sourceMap: { content: map.text },
  });
}
