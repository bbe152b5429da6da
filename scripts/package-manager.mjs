import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { run, startInForeground } from './run.mjs';
import { StepFailure, step } from './step.mjs';

/** How each package manager installs a package. The first whose program is there is used. */
const MANAGERS = [
  {
    program: 'apt-get',
    install: ['install', '-y', '--no-install-recommends'],
    refresh: ['update'],
    root: true,
  },
  { program: 'dnf', install: ['install', '-y'], root: true },
  { program: 'apk', install: ['add'], refresh: ['update'], root: true },
  { program: 'brew', install: ['install'], root: false },
];

/**
 * Installs the first of the distribution's packages that brings what is sought: as root at once, as anybody else after asking.
 * @param packages names by package manager, tried in order
 * @param find resolves to what is sought, or `null`; `describe` says what was found, beside the step
 * @param requirement names what is sought, for messages
 * @param elsewhere what else one may do, for messages
 * @throws StepFailure with the one command to run, where it may not or cannot
 */
export async function installFirst({ packages, find, describe, requirement, elsewhere, install }) {
  const manager = MANAGERS.find(({ program }) => onPath(program));
  const names = packages[manager?.program] ?? [];
  if (names.length === 0) throw new StepFailure(`Install one, ${elsewhere}`);
  const asRoot = !manager.root || process.getuid?.() === 0;
  const command = [...(asRoot ? [] : ['sudo']), manager.program, ...manager.install, names[0]].join(' ');
  if (!install) throw new StepFailure(`Run: ${command}`);
  if (!asRoot) {
    if (!onPath('sudo') || !(await agreed(`Run \`${command}\` now?`))) throw new StepFailure(`Run: ${command}`);
    // Asks for the password here, where nothing else writes to the terminal.
    await startInForeground('sudo', ['-v']).ended;
  }
  const problems = [];
  for (const name of names) {
    const { found } = await step(`Installing ${name}`, async (report) => {
      const output = await installPackage(manager, name, asRoot, report);
      const found = await find();
      if (!found) problems.push(output.trimEnd().split('\n').slice(-5).join('\n'));
      return { found: found !== null, note: found ? describe(found) : 'not what is needed' };
    });
    if (found) return;
  }
  throw new StepFailure(
    [...problems, `No package of this system brought ${requirement}. Install it, ${elsewhere}`].join('\n\n'),
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
