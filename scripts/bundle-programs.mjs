import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/** Where each program stands as `<name>.js`. */
const OUT = 'dist';
/** What runs as a process of its own: under `npm start`, in containers, in tests of whole processes. */
export const PROGRAMS = ['gateway', 'worker', 'ops', 'demo'];
/** What Nest, `ws` and `msgpackr` use where somebody installed it. */
const OPTIONAL = [
  '@nestjs/microservices',
  '@fastify/static',
  'class-transformer',
  'class-validator',
  'bufferutil',
  'utf-8-validate',
  'msgpackr-extract',
];
/** Changes a global object that others use while they are loaded: a bundle would run it after them. */
const FIRST = 'reflect-metadata';
/** Packages in the older module format expect these. */
const BANNER = [
  "import { createRequire as __createRequire } from 'node:module';",
  "import { dirname as __directoryOf } from 'node:path';",
  "import { fileURLToPath as __pathOf } from 'node:url';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = __pathOf(import.meta.url);',
  'const __dirname = __directoryOf(__filename);',
].join('\n');

/**
 * Every program as one file, its packages included: finding, reading and linking the thousand modules of one costs ten times
 * as much as running them. Made of what the compiler made, for esbuild knows nothing of the metadata of decorators. Nothing is
 * done where they are newer than what they are made of.
 */
export async function bundlePrograms() {
  if (
    PROGRAMS.every((name) => existsSync(`${OUT}/${name}.js`)) &&
    statSync(`${OUT}/${PROGRAMS[0]}.js`).mtimeMs > newest()
  ) {
    return;
  }
  // Not at the top: this file is loaded before the dependencies are installed.
  const { build } = await import('esbuild');
  const draft = `${OUT}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  try {
    await build({
      entryPoints: PROGRAMS.map((name) => ({ in: `apps/${name}/dist/main.js`, out: name })),
      outdir: draft,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      // Nest names what it injects by the names of classes.
      keepNames: true,
      mainFields: ['module', 'main'],
      external: [FIRST, ...OPTIONAL.flatMap((name) => [name, `${name}/*`])],
      banner: { js: BANNER },
      sourcemap: true,
      sourcesContent: false,
      plugins: [asIfAtHome],
      logLevel: 'warning',
    });
    rmSync(OUT, { recursive: true, force: true });
    renameSync(draft, OUT);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** When what programs are made of last changed, dependencies included, in milliseconds. */
function newest() {
  const compiled = ['libs', 'apps'].flatMap((folder) =>
    readdirSync(folder).map((name) => join(folder, name, 'dist/.tsbuildinfo')),
  );
  const all = [...compiled.filter((file) => existsSync(file)), 'package-lock.json', 'scripts/bundle-programs.mjs'];
  return Math.max(...all.map((file) => statSync(file).mtimeMs));
}

/** Modules of ours read files that stand beside them, and go on finding them there. */
const asIfAtHome = {
  name: 'as-if-at-home',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](apps|libs)[\\/][^\\/]+[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const home = JSON.stringify(relative(OUT, path).replaceAll(sep, '/'));
      return { contents: text.replaceAll('import.meta.url', `new URL(${home}, import.meta.url).href`), loader: 'js' };
    });
  },
};
