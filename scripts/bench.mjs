import './check-node.mjs';

const { setUp } = await import('./setup.mjs');
const { fail, reportOnStandardError } = await import('./step.mjs');

if (process.argv.includes('--json')) reportOnStandardError();
try {
  await setUp({ install: !process.argv.includes('--no-install') });
  await import('../apps/bench/dist/main.js');
} catch (error) {
  fail(error);
}
