import './check-node.mjs';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleClient } from './bundle-client.mjs';
import { bundleConsole } from './bundle-console.mjs';
import { bundlePrograms } from './bundle-programs.mjs';
import { ROOT, runOrFail } from './run.mjs';
import { fail, StepFailure, step } from './step.mjs';

const COMPILER = 'node_modules/typescript/bin/tsc';
const PROJECT = 'tsconfig.build.json';
/** Holds the hash of the lock file that the last build was made with, and the fingerprint of what it left. */
const STAMP = 'node_modules/.rejoin-build';
/** What a build reads and makes, besides the workspaces. */
const ROOT_INPUTS = ['scripts', 'dist', 'package-lock.json', 'tsconfig.base.json', 'tsconfig.lib.json', PROJECT];
/** Of a workspace. */
const PARTS = ['src', 'public', 'dist', 'package.json', PROJECT];

/**
 * Compiles every workspace into its `dist`, with the files that its code reads at run time beside it. What is up to date is left
 * alone; what no longer has a source is removed. Where nothing changed since, nothing is said either.
 * @param lockHash after a change of dependencies everything is compiled anew: `tsc -b` would repeat its old errors
 */
export async function build(lockHash) {
  const workspaces = findWorkspaces();
  const [builtLock, built] = existsSync(STAMP) ? readFileSync(STAMP, 'utf8').split(' ') : [];
  if (lockHash !== undefined && builtLock === lockHash && built === fingerprint()) return;
  const force = lockHash !== undefined && builtLock !== lockHash;
  await step('Building', async () => {
    for (const workspace of workspaces) removeStale(workspace);
    await runOrFail(process.execPath, [COMPILER, '-b', PROJECT, ...(force ? ['--force'] : [])]);
    for (const workspace of workspaces) copyAssets(workspace);
    await bundleClient();
    await bundleConsole();
    await bundlePrograms();
    requireReferences(workspaces);
    if (lockHash !== undefined) writeFileSync(STAMP, `${lockHash} ${fingerprint()}`);
  });
}

/**
 * Of the names, sizes and times of every file that a build reads or makes: where it is what the last build left, even asking the
 * compiler, which takes half a second, is needless.
 */
function fingerprint() {
  const folders = ['libs', 'apps'].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const roots = [...ROOT_INPUTS, ...folders.flatMap((folder) => PARTS.map((part) => join(folder, part)))];
  const hash = createHash('sha256').update(process.version);
  const add = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path).sort()) add(join(path, name));
    } else hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
  };
  for (const root of roots) add(root);
  return hash.digest('hex');
}

function findWorkspaces() {
  return ['libs', 'apps']
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []))
    .filter((workspace) => existsSync(join(workspace, PROJECT)));
}

function requireReferences(workspaces) {
  const references = new Set(JSON.parse(readFileSync(PROJECT, 'utf8')).references.map(({ path }) => path));
  const missing = workspaces.filter((workspace) => !references.has(`${workspace}/${PROJECT}`));
  if (missing.length > 0) throw new StepFailure(`${PROJECT} does not refer to ${missing.join(', ')}`);
}

/** Files beside the compiled code: scripts in other languages, and what an app serves from `public`. */
function copyAssets(workspace) {
  const copies = [
    ...files(join(workspace, 'src'))
      .filter((file) => SCRIPT.test(file))
      .map((file) => [join(workspace, 'src', file), join(workspace, 'dist', file)]),
    ...files(join(workspace, 'public')).map((file) => [
      join(workspace, 'public', file),
      join(workspace, 'dist/public', file),
    ]),
  ];
  for (const [from, to] of copies) {
    if (existsSync(to) && readFileSync(to).equals(readFileSync(from))) continue;
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  }
}

/** Made for browsers by another step. */
const BUNDLES = 'browser/';
const SCRIPT = /\.(lua|sh)$/;
const COMPILED = /\.(js|d\.ts)(\.map)?$/;

/**
 * Removes from `dist` what has no source any more. A file of `dist` that is missing although its source is there makes the
 * compiler's own record wrong, so then that goes too.
 */
function removeStale(workspace) {
  const dist = join(workspace, 'dist');
  const sources = new Set(files(join(workspace, 'src')));
  const assets = new Set(files(join(workspace, 'public')).map((file) => join('public', file)));
  const present = new Set(files(dist));
  for (const file of present) {
    const made = SCRIPT.test(file) || COMPILED.test(file);
    const stale = file.startsWith('public/') ? !assets.has(file) : made && !sources.has(file.replace(COMPILED, '.ts'));
    if (stale && !file.startsWith(BUNDLES)) rmSync(join(dist, file));
  }
  const incomplete = [...sources].some(
    (file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && !present.has(file.replace(/\.ts$/, '.js')),
  );
  if (incomplete) rmSync(join(dist, '.tsbuildinfo'), { force: true });
}

/** Paths of all files below a folder, relative to it; none where it does not exist. */
function files(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true }).filter((file) => statSync(join(folder, file)).isFile());
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.chdir(ROOT);
  await build().catch(fail);
}
