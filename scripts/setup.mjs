import './check-node.mjs';
import { pathToFileURL } from 'node:url';

const { ROOT } = await import('./run.mjs');
const { fail } = await import('./step.mjs');

/**
 * Makes a clone runnable: dependencies, build, Redis. Each step does nothing where nothing is to be done.
 * @param install `false` installs neither dependencies nor Redis, and says what to run instead
 * @param redis `false` where no server of our own will be started
 */
export async function setUp({ install = true, redis = true } = {}) {
  process.chdir(ROOT);
  const { installDependencies } = await import('./install-dependencies.mjs');
  const { build } = await import('./build.mjs');
  const { provideRedis } = await import('./provide-redis.mjs');
  const { hash } = await installDependencies({ install });
  await build(hash);
  if (redis) await provideRedis({ install });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setUp({ install: !process.argv.includes('--no-install') }).catch(fail);
}
