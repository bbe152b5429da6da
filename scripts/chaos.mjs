import './check-node.mjs';

const { setUp } = await import('./setup.mjs');
const { fail } = await import('./step.mjs');

try {
  await setUp({ install: !process.argv.includes('--no-install') });
  await import('../apps/chaos/dist/main.js');
} catch (error) {
  fail(error);
}
