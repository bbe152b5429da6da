import { delimiter } from 'node:path';
import { installFirst } from './package-manager.mjs';
import { run } from './run.mjs';
import { say } from './step.mjs';

/** Where distributions put it, which is not on everybody's PATH. */
const PATH = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter);

/**
 * Finds the load balancer whose configuration the tests run, or installs the distribution's package: root at once, anybody else after
 * being asked. Nothing but the tests needs it.
 * @throws StepFailure with the one command to run, where it may not or cannot
 */
export async function provideLoadBalancer({ install }) {
  if (await findHaproxy()) return;
  say('No haproxy is installed; the test of the load balancer needs it.');
  await installFirst({
    install,
    packages: { 'apt-get': ['haproxy'], dnf: ['haproxy'], apk: ['haproxy'], brew: ['haproxy'] },
    find: findHaproxy,
    describe: ({ version }) => version,
    requirement: 'a haproxy that starts',
    elsewhere: 'see https://www.haproxy.org/#down',
  });
}

async function findHaproxy() {
  try {
    const { output } = await run('haproxy', ['-v'], { env: { PATH } });
    const version = /version (\S+)/i.exec(output)?.[1];
    return version ? { version } : null;
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}
