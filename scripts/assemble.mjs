import './check-node.mjs';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { ROOT } = await import('./run.mjs');
const { fail, StepFailure, step } = await import('./step.mjs');

/** What is not for a container: tests, measurements, and the supervisor of a single machine. */
const ELSEWHERE = ['bench', 'e2e', 'stack'];
/** The programs that a container runs, and pages that they serve. */
const APPS = readdirSync(join(ROOT, 'apps'))
  .filter((name) => !ELSEWHERE.includes(name) && existsSync(join(ROOT, 'apps', name, 'package.json')))
  .map((name) => `apps/${name}`);
/** The programs themselves, with the code of the packages in them. */
const PROGRAMS = 'dist';
/** Of a workspace, what it needs when it runs. */
const PARTS = ['package.json', 'dist'];
/** What the compiler leaves in `dist` for itself and for editors; maps stay, for stacks in logs. */
const COMPILERS_OWN = /(\.d\.ts|\.d\.ts\.map|\.tsbuildinfo)$/;
/** What packages have for editors and readers: half of their size. */
const FOR_READERS = /\.(d\.[cm]?ts|map|md|markdown|flow)$/i;

/**
 * Copies what the programs need when they run into an empty folder: their builds, those of the workspaces that they import, and
 * the packages that these depend on, in the versions of package-lock.json; nothing that is for development alone.
 */
export function assemble(target) {
  if (existsSync(target)) throw new StepFailure(`${target} is there already`);
  const folders = new Set();
  for (const app of APPS) collect(app, folders);
  for (const folder of folders) copy(folder, target);
  if (!existsSync(PROGRAMS)) throw new StepFailure(`${PROGRAMS} is missing: npm run build`);
  cpSync(PROGRAMS, join(target, PROGRAMS), { recursive: true });
  return { note: `${folders.size} packages` };
}

/** Adds a package's folder and those of everything that it depends on. */
function collect(folder, folders) {
  if (folders.has(folder)) return;
  folders.add(folder);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const wanted = { ...manifest.peerDependencies, ...manifest.dependencies, ...manifest.optionalDependencies };
  // What it can do with them, it does where somebody depends on them.
  for (const [name, { optional }] of Object.entries(manifest.peerDependenciesMeta ?? {}))
    if (optional) delete wanted[name];
  for (const name of Object.keys(wanted)) {
    const found = find(name, folder);
    if (found) collect(found, folders);
    else if (manifest.dependencies?.[name] && !manifest.optionalDependencies?.[name]) {
      throw new StepFailure(`${name}, which ${folder} depends on, is not installed`);
    }
  }
}

/** The folder from which Node loads a package that is imported in another: the nearest `node_modules` that has it. */
function find(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(candidate)) return relative(ROOT, realpathSync(candidate));
    if (folder === '.') return null;
  }
}

function copy(folder, target) {
  const to = join(target, folder);
  mkdirSync(to, { recursive: true });
  if (!/^(libs|apps)\/[^/]+$/.test(folder)) {
    // Packages inside it are copied where something depends on them.
    const nested = join(folder, 'node_modules');
    cpSync(folder, to, { recursive: true, filter: (path) => path !== nested && !FOR_READERS.test(path) });
    return;
  }
  for (const part of PARTS) {
    if (!existsSync(join(folder, part))) throw new StepFailure(`${join(folder, part)} is missing: npm run build`);
    cpSync(join(folder, part), join(to, part), { recursive: true, filter: (path) => !COMPILERS_OWN.test(path) });
  }
  const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const link = join(target, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), to), link);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [target] = process.argv.slice(2);
  process.chdir(ROOT);
  try {
    if (!target) throw new StepFailure('usage: node scripts/assemble.mjs <empty folder>');
    await step('Assembling', () => assemble(resolve(target)));
  } catch (error) {
    fail(error);
  }
}
