import './check-node.mjs';

const { setUp } = await import('./setup.mjs');
const { fail } = await import('./step.mjs');

// The supervisor runs in this very process, so every signal that reaches it is the supervisor's.
try {
  await setUp({ install: !process.argv.includes('--no-install'), redis: !process.env.REDIS_URL });
  await import('../apps/stack/dist/main.js');
} catch (error) {
  fail(error);
}
