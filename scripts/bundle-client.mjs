import { existsSync, statSync } from 'node:fs';

const DIST = 'libs/client/dist';
const BUNDLES = [
  // For `<script type="module">` and import maps.
  { outfile: `${DIST}/browser/rejoin-client.js`, format: 'esm' },
  // For a plain `<script>`: a global `Rejoin`.
  { outfile: `${DIST}/browser/rejoin-client.global.js`, format: 'iife', globalName: 'Rejoin' },
];

/** The client as one file for browsers, socket.io-client included. Nothing is done where it is newer than what it is made of. */
export async function bundleClient() {
  // Not at the top: this file is loaded before the dependencies are installed.
  const { build } = await import('esbuild');
  const builtAt = ({ outfile }) => (existsSync(outfile) ? statSync(outfile).mtimeMs : 0);
  const compiledAt = Math.max(...[DIST, 'libs/protocol/dist'].map((dist) => statSync(`${dist}/.tsbuildinfo`).mtimeMs));
  for (const bundle of BUNDLES.filter((one) => builtAt(one) < compiledAt)) {
    await build({
      ...bundle,
      entryPoints: [`${DIST}/index.js`],
      bundle: true,
      minify: true,
      sourcemap: true,
      target: 'es2022',
      logLevel: 'warning',
    });
  }
}
