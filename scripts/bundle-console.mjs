import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

const CONSOLE = 'apps/console';
const OUT = `${CONSOLE}/dist/browser`;

/**
 * The operator's console as files for browsers: a page, and assets that bear their content's hash in their name, each also
 * gzipped. Nothing is done where they are newer than what they are made of.
 * @param root of the repository
 */
export async function bundleConsole(root = '.') {
  const out = join(root, OUT);
  const page = join(out, 'index.html');
  if (existsSync(page) && statSync(page).mtimeMs > newest(root)) return;
  // Not at the top: this file is loaded before the dependencies are installed.
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: join(process.cwd(), root),
    entryPoints: [`${CONSOLE}/src/main.tsx`, `${CONSOLE}/src/console.css`],
    outdir: OUT,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    jsx: 'automatic',
    target: 'es2022',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'warning',
  });
  const favicon = { path: 'favicon.svg', contents: readFileSync(join(root, CONSOLE, 'public/favicon.svg')) };
  const draft = `${out}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(join(draft, 'assets'), { recursive: true });
  let html = readFileSync(join(root, CONSOLE, 'public/index.html'), 'utf8');
  for (const { path, contents } of [...outputFiles, favicon]) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const hash = createHash('sha256').update(contents).digest('hex').slice(0, 10);
    const hashed = name.replace(/\.(\w+)$/, `-${hash}.$1`);
    html = html.replace(`/assets/${name}`, `/assets/${hashed}`);
    write(join(draft, 'assets', hashed), contents);
  }
  write(join(draft, 'index.html'), html);
  // What it is made of, for whoever asks why it is large.
  writeFileSync(join(draft, 'inputs.json'), JSON.stringify(Object.keys(metafile.inputs)));
  rmSync(out, { recursive: true, force: true });
  renameSync(draft, out);
}

function write(path, contents) {
  writeFileSync(path, contents);
  writeFileSync(`${path}.gz`, gzipSync(contents, { level: 9 }));
}

/** When what the console is made of last changed, dependencies included, in milliseconds. */
function newest(root) {
  const sources = ['src', 'public'].flatMap((folder) =>
    readdirSync(join(root, CONSOLE, folder), { recursive: true }).map((name) => join(root, CONSOLE, folder, name)),
  );
  const all = [...sources, join(root, 'package-lock.json'), join(root, 'scripts/bundle-console.mjs')];
  return Math.max(...all.map((file) => statSync(file).mtimeMs));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await bundleConsole();
