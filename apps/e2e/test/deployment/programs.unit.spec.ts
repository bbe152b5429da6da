import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { filesBelow, isThere, read } from './repository.ts';

const PROGRAMS = ['gateway', 'worker', 'ops', 'demo'];

describe('the built programs', () => {
  it('are one file each, with a map beside it and nothing left of earlier builds', () => {
    expect(filesBelow('dist').sort()).toEqual(
      PROGRAMS.flatMap((name) => [`dist/${name}.js`, `dist/${name}.js.map`]).sort(),
    );
  });

  it.each(PROGRAMS)('%s names lines of our sources in its stacks', (name) => {
    const { sources } = JSON.parse(read(`dist/${name}.js.map`)) as { sources: string[] };
    const ours = sources.map((source) => join('dist', source)).filter((path) => !path.includes('node_modules/'));
    expect(ours).toContain(`apps/${name}/src/main.ts`);
    expect(ours.filter((path) => !path.endsWith('.ts') || !isThere(path))).toEqual([]);
  });

  it.each(PROGRAMS)('%s finds the files that its modules read beside them', (name) => {
    const homes = [
      ...read(`dist/${name}.js`).matchAll(/new URL\("\.\.\/((?:apps|libs)\/[^"]+)", import\.meta\.url\)/g),
    ];
    expect(homes.length).toBeGreaterThan(5);
    expect(homes.map(([, path]) => path as string).filter((path) => !isThere(path))).toEqual([]);
  });
});
