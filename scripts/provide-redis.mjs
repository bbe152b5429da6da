import { installFirst } from './package-manager.mjs';
import { say } from './step.mjs';

/**
 * Finds the Redis server program, or installs the distribution's package: root at once, anybody else after being asked.
 * @throws StepFailure with the one command to run, where it may not or cannot
 */
export async function provideRedis({ install }) {
  const { findRedisServer, MINIMUM_REDIS_MAJOR } = await import('../libs/embedded-redis/dist/index.js');
  if (await findRedisServer()) return;
  say(`Neither redis-server nor valkey-server of version ${MINIMUM_REDIS_MAJOR}.0 or newer is on PATH.`);
  await installFirst({
    install,
    packages: {
      'apt-get': ['redis-server', 'valkey-server'],
      dnf: ['valkey', 'redis'],
      apk: ['redis', 'valkey'],
      brew: ['redis'],
    },
    find: () => findRedisServer(),
    describe: (server) => server.version,
    requirement: `version ${MINIMUM_REDIS_MAJOR}.0 or newer`,
    elsewhere: 'or set REDIS_URL to a server that runs: https://redis.io/downloads',
  });
}
