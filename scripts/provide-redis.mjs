import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { run, runOrFail, startInForeground } from './run.mjs';
import { StepFailure, say, step } from './step.mjs';

/**
 * How each package manager installs a server of version 7 or newer. The first whose program is there is used; `packages` are
 * tried in order.
 */
const MANAGERS = [
  {
    program: 'apt-get',
    packages: ['redis-server', 'valkey-server'],
    install: ['install', '-y', '--no-install-recommends'],
    root: true,
  },
  { program: 'dnf', packages: ['valkey', 'redis'], install: ['install', '-y'], root: true },
  { program: 'apk', packages: ['redis', 'valkey'], install: ['add'], root: true },
  { program: 'brew', packages: ['redis'], install: ['install'], root: false },
];

/**
 * Finds the Redis server program, or installs the distribution's package: root at once, anybody else after being asked.
 * @throws StepFailure with the one command to run, where it may not or cannot
 */
export async function provideRedis({ install }) {
  const { findRedisServer, MINIMUM_REDIS_MAJOR } = await import('../libs/embedded-redis/dist/index.js');
  if (await findRedisServer()) return;
  const missing = `Neither redis-server nor valkey-server of version ${MINIMUM_REDIS_MAJOR}.0 or newer is on PATH.`;
  say(missing);
  const manager = MANAGERS.find(({ program }) => onPath(program));
  if (!manager)
    throw new StepFailure(
      `${missing}\nInstall one, or set REDIS_URL to a server that runs: https://redis.io/downloads`,
    );
  const asRoot = !manager.root || process.getuid?.() === 0;
  const command = [...(asRoot ? [] : ['sudo']), manager.program, ...manager.install, manager.packages[0]].join(' ');
  if (!install) throw new StepFailure(`Run: ${command}`);
  if (!asRoot && !(onPath('sudo') && (await agreed(`Run \`${command}\` now?`))))
    throw new StepFailure(`Run: ${command}`);

  // Asks for the password here, where nothing else writes to the terminal.
  if (!asRoot) await startInForeground('sudo', ['-v']).ended;
  const prefix = asRoot ? ['env'] : ['sudo', 'env'];
  for (const packageName of manager.packages) {
    const installed = await step(`Installing ${packageName}`, async (report) => {
      const onLine = (line) => line.trim() !== '' && report(line.trim());
      // RUNLEVEL keeps Debian's package from starting a service of its own, see invoke-rc.d(8).
      const [program, ...args] = [...prefix, 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', manager.program];
      if (manager.program === 'apt-get' && !hasAptLists()) await runOrFail(program, [...args, 'update'], { onLine });
      const { code } = await run(program, [...args, ...manager.install, packageName], { onLine });
      const found = code === 0 ? await findRedisServer() : null;
      return { found, note: found ? found.version : 'not available in a sufficient version' };
    });
    if (installed.found) return;
  }
  throw new StepFailure(
    `No package of this system brings version ${MINIMUM_REDIS_MAJOR}.0 or newer.\n` +
      'See https://redis.io/docs/latest/operate/oss_and_stack/install/, or set REDIS_URL to a server that runs.',
  );
}

function hasAptLists() {
  const folder = '/var/lib/apt/lists';
  return existsSync(folder) && readdirSync(folder).some((name) => name.includes('_Packages'));
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));
}

async function agreed(question) {
  if (!process.stdin.isTTY || process.env.CI) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^(y|yes|)$/i.test((await terminal.question(`${question} [Y/n] `)).trim());
  } finally {
    terminal.close();
  }
}
