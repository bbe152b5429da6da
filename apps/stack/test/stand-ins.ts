import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = new URL('fixtures/program.mjs', import.meta.url).href;

/** A temporary folder with the built form of every app, each a stand-in; and room for a data directory. */
export interface StandIns {
  readonly programsDirectory: string;
  readonly dataDirectory: string;
  entry(app: string): string;
  remove(): void;
}

export function makeStandIns(): StandIns {
  const folder = mkdtempSync(join(tmpdir(), 'rejoin-stack-'));
  const programsDirectory = join(folder, 'programs');
  const entry = (app: string): string => join(programsDirectory, `${app}.js`);
  mkdirSync(programsDirectory);
  for (const app of ['gateway', 'worker', 'ops', 'demo']) {
    writeFileSync(entry(app), `import(${JSON.stringify(PROGRAM)}).then(({ standIn }) => standIn('${app}'));\n`);
  }
  return {
    programsDirectory,
    dataDirectory: join(folder, 'data'),
    entry,
    remove: () => rmSync(folder, { recursive: true }),
  };
}
