import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { run, startInForeground } from './run.mjs';
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
    refresh: ['update'],
    root: true,
  },
  { program: 'dnf', packages: ['valkey', 'redis'], install: ['install', '-y'], root: true },
  { program: 'apk', packages: ['redis', 'valkey'], install: ['add'], refresh: ['update'], root: true },
  { program: 'brew', packages: ['redis'], install: ['install'], root: false },
];

const ELSEWHERE = 'or set REDIS_URL to a server that runs: https://redis.io/downloads';

/**
 * Finds the Redis server program, or installs the distribution's package: root at once, anybody else after being asked.
 * @throws StepFailure with the one command to run, where it may not or cannot
 */
export async function provideRedis({ install }) {
  const { findRedisServer, MINIMUM_REDIS_MAJOR } = await import('../libs/embedded-redis/dist/index.js');
  if (await findRedisServer()) return;
  say(`Neither redis-server nor valkey-server of version ${MINIMUM_REDIS_MAJOR}.0 or newer is on PATH.`);
  const manager = MANAGERS.find(({ program }) => onPath(program));
  if (!manager) throw new StepFailure(`Install one, ${ELSEWHERE}`);
  const asRoot = !manager.root || process.getuid?.() === 0;
  const command = [...(asRoot ? [] : ['sudo']), manager.program, ...manager.install, manager.packages[0]].join(' ');
  if (!install) throw new StepFailure(`Run: ${command}`);
  if (!asRoot) {
    if (!onPath('sudo') || !(await agreed(`Run \`${command}\` now?`))) throw new StepFailure(`Run: ${command}`);
    // Asks for the password here, where nothing else writes to the terminal.
    await startInForeground('sudo', ['-v']).ended;
  }
  const problems = [];
  for (const name of manager.packages) {
    const { found } = await step(`Installing ${name}`, async (report) => {
      const output = await installPackage(manager, name, asRoot, report);
      const server = await findRedisServer();
      if (!server) problems.push(output.trimEnd().split('\n').slice(-5).join('\n'));
      return { found: server !== null, note: server ? server.version : 'no sufficient version' };
    });
    if (found) return;
  }
  throw new StepFailure(
    [
      ...problems,
      `No package of this system brought version ${MINIMUM_REDIS_MAJOR}.0 or newer. Install it, ${ELSEWHERE}`,
    ].join('\n\n'),
  );
}

/** Resolves to what the package manager said; whether it worked shows in what is on PATH. */
async function installPackage(manager, name, asRoot, report) {
  const onLine = (line) => line.trim() !== '' && report(line.trim());
  // RUNLEVEL keeps Debian's package from starting a service of its own, see invoke-rc.d(8).
  const [program, ...args] = [
    ...(asRoot ? [] : ['sudo']),
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'RUNLEVEL=1',
    manager.program,
  ];
  const attempt = () => run(program, [...args, ...manager.install, name], { onLine });
  const first = manager.program === 'apt-get' && !hasAptLists() ? { code: 1 } : await attempt();
  if (first.code === 0 || !manager.refresh) return first.output;
  // Without package lists, or with old ones, it knows no package, or one that the mirror no longer has.
  await run(program, [...args, ...manager.refresh], { onLine });
  return (await attempt()).output;
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
