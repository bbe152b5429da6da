import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { run } from './run.mjs';
import { StepFailure, step } from './step.mjs';

const LOCK = 'package-lock.json';
const INSTALLED_LOCK = 'node_modules/.package-lock.json';
/** Holds the hash of the lock file that node_modules was last seen to match. */
const STAMP = 'node_modules/.rejoin-setup';

/**
 * Makes node_modules match package-lock.json; does nothing where it does.
 * @returns the lock file's hash, and whether dependencies changed since the last set-up
 */
export async function installDependencies({ install }) {
  const text = readFileSync(LOCK);
  const lock = JSON.parse(text);
  const hash = createHash('sha256').update(text).digest('hex');
  if (read(STAMP) === hash && hasWorkspaceModules(lock)) return { hash, changed: false };
  if (!matchesInstalled(lock) || !hasWorkspaceModules(lock)) {
    if (!install) throw new StepFailure('Dependencies are missing. Run: npm ci');
    await step('Installing dependencies', (say) => ci(lock, say));
  }
  writeFileSync(STAMP, hash);
  return { hash, changed: true };
}

/** Whether the packages that workspaces have for themselves are there: they go with a removed workspace folder. */
function hasWorkspaceModules(lock) {
  return Object.keys(lock.packages).every((path) => !/^(libs|apps)\/.*node_modules\//.test(path) || existsSync(path));
}

async function ci(lock, say) {
  const total = Object.values(lock.packages).filter((entry) => entry.integrity && !isForeign(entry)).length;
  let fetched = 0;
  const args = ['ci', '--include=dev', '--loglevel=http', '--no-audit', '--no-fund', '--no-progress'];
  const problems = [];
  const { code } = await runNpm(args, (line) => {
    if (/^npm (error|ERR!)/.test(line)) problems.push(line);
    if (!/ http (fetch|cache) .*\.tgz/.test(line)) return;
    fetched += 1;
    say(`${fetched} of about ${total} packages`);
  });
  if (code !== 0) throw new StepFailure(`${problems.slice(0, 20).join('\n')}\n\nnpm ci failed with code ${code}`);
  return { note: `${total} packages` };
}

/** npm runs itself as `npm_execpath`; outside npm it is the one on PATH. */
function runNpm(args, onLine) {
  const npm = process.env.npm_execpath;
  return npm?.endsWith('.js') ? run(process.execPath, [npm, ...args], { onLine }) : run('npm', args, { onLine });
}

/** Whether npm itself already installed exactly this lock, as `npm install` does. */
function matchesInstalled(lock) {
  if (!existsSync(INSTALLED_LOCK)) return false;
  const installed = JSON.parse(readFileSync(INSTALLED_LOCK, 'utf8')).packages;
  return Object.entries(lock.packages).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    const present = installed[path];
    if (!present) return entry.optional === true || entry.peer === true;
    return present.version === entry.version && present.integrity === entry.integrity;
  });
}

function isForeign({ os, cpu }) {
  return (os && !os.includes(process.platform)) || (cpu && !cpu.includes(process.arch));
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}
