import './check-node.mjs';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';

const { setUp } = await import('./setup.mjs');
const { provideBrowser } = await import('./provide-browser.mjs');
const { provideLoadBalancer } = await import('./provide-load-balancer.mjs');
const { run, startInForeground } = await import('./run.mjs');
const { fail, StepFailure, step } = await import('./step.mjs');

const RESULTS = 'node_modules/.cache/jest-results.json';
/** How long jest may take to exit once it has written its results. */
const EXIT_PATIENCE_MS = 10_000;
const BIN = 'node_modules/.bin';
const CHECKS = [
  ['Format and lint (biome)', `${BIN}/biome`, 'check', '--error-on-warnings', '.'],
  ['Lint with types (oxlint)', `${BIN}/oxlint`, '--type-aware', '--deny-warnings', 'apps', 'libs', 'scripts'],
  ['Type check (tsc)', `${BIN}/tsc`],
  ['Unused files, exports and dependencies (knip)', `${BIN}/knip`, '--no-config-hints'],
  ['Import directions (dependency-cruiser)', `${BIN}/depcruise`, 'apps', 'libs'],
];

/** The checks write to a pipe, and by themselves would colour all of it or nothing. */
const COLOR = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1', FORCE_COLOR: '0' };

const install = !process.argv.includes('--no-install');
const args = process.argv.slice(2).filter((arg) => arg !== '--no-install');
let failedSteps = 0;

try {
  await setUp({ install });
} catch (error) {
  if (!(error instanceof StepFailure)) fail(error);
  console.error(`\n${error.message}\n`);
  finish({ passed: 0, failed: 1 });
}
for (const provide of [provideBrowser, provideLoadBalancer]) {
  try {
    await provide({ install });
  } catch (error) {
    if (!(error instanceof StepFailure)) fail(error);
    // What does not need it is tested all the same.
    console.error(`${error.message}\n`);
    failedSteps += 1;
  }
}
for (const [title, command, ...commandArgs] of CHECKS) {
  try {
    await step(title, async () => {
      const { code, output } = await run(command, commandArgs, { env: COLOR });
      if (code !== 0) throw new StepFailure(output.trimEnd());
    });
  } catch (error) {
    if (!(error instanceof StepFailure)) fail(error);
    console.error(`${error.message}\n`);
    failedSteps += 1;
  }
}
finish(await runTests());

/** A part of the tests says nothing about coverage, so with arguments it is not measured. */
async function runTests() {
  rmSync(RESULTS, { force: true });
  const jest = startInForeground(process.execPath, [
    '--no-warnings=ExperimentalWarning',
    '--experimental-vm-modules',
    'node_modules/jest/bin/jest.js',
    '--json',
    `--outputFile=${RESULTS}`,
    ...(args.length === 0 ? ['--coverage'] : args),
  ]);
  const watch = setInterval(() => {
    if (!existsSync(RESULTS) || Date.now() - statSync(RESULTS).mtimeMs < EXIT_PATIENCE_MS) return;
    clearInterval(watch);
    console.error(
      'Jest does not exit: a test left something open. Look for it with: npm run jest -- --detectOpenHandles',
    );
    jest.kill('SIGTERM');
  }, 1_000);
  const code = await jest.ended;
  clearInterval(watch);
  if (!existsSync(RESULTS)) return { passed: 0, failed: 1 };
  const results = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  // A run may also fail as a whole, for example below the coverage threshold.
  return { passed: results.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}

function finish({ passed, failed }) {
  const allFailed = failed + failedSteps;
  console.log(`\n${passed} passed, ${allFailed} failed`);
  process.exit(allFailed === 0 ? 0 : 1);
}
