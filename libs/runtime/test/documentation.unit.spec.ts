import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { bytes, durationMs, flag, integer, port, ports, text, texts } from '../src/index.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const GENERATED = new Set(['node_modules', 'dist', 'coverage', '.git', '.data']);

function filesBelow(folder: string, suffix: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return GENERATED.has(entry.name) ? [] : filesBelow(path, suffix);
    return entry.name.endsWith(suffix) ? [path] : [];
  });
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
/** Code blocks say what they say; a link or a table in one is none. */
const prose = (path: string): string => read(path).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
const rooms = ['libs', 'apps'].flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(folder, name)));
const inCode = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);

/** The cells of every table row, without header and rule. */
function rowsOf(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| -+ /.test(line))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('links between pages', () => {
  const anchorsOf = (path: string): string[] =>
    [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      (heading as string)
        .toLowerCase()
        .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it.each(filesBelow('.', '.md'))('lead somewhere in %s', (page) => {
    const broken = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path, anchor] = target.split('#') as [string, string?];
        const file = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
        if (!existsSync(join(ROOT, file))) return true;
        return anchor !== undefined && !(file.endsWith('.md') && anchorsOf(file).includes(anchor));
      });
    expect(broken).toEqual([]);
  });
});

const KINDS = { text, texts, integer, port, ports, durationMs, bytes, flag } as const;

interface ReadVariable {
  readonly name: string;
  readonly kind: keyof typeof KINDS;
  /** What stands for it where it is absent, where the code writes a literal. */
  readonly fallback: unknown;
}

/** The first argument of a call that is cut off behind it. */
function firstArgument(source: string): string {
  let depth = 0;
  for (let at = 0; at < source.length; at++) {
    const character = source[at] as string;
    if (depth === 0 && (character === ',' || character === ')')) return source.slice(0, at);
    if ('([{'.includes(character)) depth += 1;
    if (')]}'.includes(character)) depth -= 1;
  }
  throw new Error(`no end of an argument in ${source}`);
}

function variablesOf(path: string): ReadVariable[] {
  const source = read(path);
  return [...source.matchAll(/\b(texts?|integer|ports?|durationMs|bytes|flag)\(\s*'([A-Z][A-Z0-9_]+)',\s*/g)].map(
    (match) => {
      const argument = firstArgument(source.slice(match.index + match[0].length));
      const isLiteral = !/[A-Za-z]\w+/.test(argument.replaceAll(/'[^']*'|\btrue\b|\bfalse\b/g, ''));
      return {
        kind: match[1] as keyof typeof KINDS,
        name: match[2] as string,
        fallback: isLiteral ? (runInNewContext(argument) as unknown) : undefined,
      };
    },
  );
}

describe('the configuration table of the README', () => {
  const measured = /^apps\/(bench|chaos|e2e)\//;
  const sources = ['libs/runtime/src', ...rooms.filter((room) => room.startsWith('apps')).map((app) => `${app}/src`)]
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) => filesBelow(folder, '.ts'))
    .filter((path) => !measured.test(path));
  const variables = sources.flatMap(variablesOf);
  // Read by name in the code, beside the typed configuration; those of every login are not ours.
  const direct = sources
    .flatMap((path) => [...read(path).matchAll(/\b(?:process\.env|environment)\.([A-Z][A-Z0-9_]+)/g)])
    .map(([, name]) => name as string)
    .filter((name) => name !== 'PATH' && name !== 'USER');
  const table = new Map(
    rowsOf(prose('README.md'))
      .filter(([name]) => /^`[A-Z][A-Z0-9_]+`/.test(name as string))
      .flatMap((row) => inCode(row[0] as string).map((name) => [name, row] as const)),
  );

  it('has every variable that a program reads, and no other', () => {
    const names = new Set([...variables.map(({ name }) => name), ...direct]);
    expect([...table.keys()].sort()).toEqual([...names].sort());
  });

  it.each(variables.filter(({ fallback }) => fallback !== undefined && JSON.stringify(fallback) !== '[]'))(
    'says the default of $name',
    ({ name, kind, fallback }) => {
      const make = KINDS[kind] as (
        name: string,
        fallback: unknown,
        bounds: object,
      ) => { parse(value: string): unknown };
      const { parse } = make(name, fallback, { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY });
      const shown = inCode(table.get(name)?.[1] ?? '').map((code) => {
        try {
          return parse(code);
        } catch {
          // Code that is no value of this variable, such as a command.
          return undefined;
        }
      });
      expect(shown).toContainEqual(fallback);
    },
  );
});

describe('the table of rooms in docs/architecture.md', () => {
  const table = rowsOf(prose('docs/architecture.md')).filter(([room]) => /^`(libs|apps)\//.test(room as string));
  const workspaces = rooms.filter((room) => existsSync(join(ROOT, room, 'package.json')));

  it('has every room', () => {
    expect(new Set(table.map(([room]) => inCode(room as string)[0]))).toEqual(new Set(workspaces));
  });

  it.each(table)('says what %s imports', (room, _purpose, imports) => {
    const manifest = JSON.parse(read(`${inCode(room as string)[0]}/package.json`)) as {
      dependencies?: Record<string, string>;
    };
    const siblings = Object.keys(manifest.dependencies ?? {})
      .filter((name) => name.startsWith('@rejoin/'))
      .map((name) => name.slice('@rejoin/'.length));
    expect(imports === '–' ? [] : imports?.split(', ')).toEqual(siblings.sort());
  });
});

describe('docs/reference/limits.md', () => {
  const sources = rooms
    .map((room) => join(room, 'src'))
    .filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) => filesBelow(folder, '.ts'))
    .map(read)
    .join('\n');
  const places = rowsOf(prose('docs/reference/limits.md')).flatMap((row) => inCode(row.at(-1) ?? ''));

  it('names constants, options and files that are there', () => {
    expect(places.length).toBeGreaterThan(30);
    expect(places.filter((place) => !isThere(place))).toEqual([]);
  });

  function isThere(place: string): boolean {
    if (place.includes('/')) return existsSync(join(ROOT, place));
    if (place.endsWith('.ts')) return rooms.some((room) => existsSync(join(ROOT, room, 'src', place)));
    return new RegExp(`\\b${place}\\b`).test(sources);
  }
});

describe('docs/reference/socket-protocol.md', () => {
  const page = new Set(inCode(prose('docs/reference/socket-protocol.md')));

  it('names every reason of a gap', () => {
    const source = /export type GapReason =([\s\S]*?);\n/.exec(read('libs/protocol/src/socket-events.ts'))?.[1] ?? '';
    const reasons = [...source.matchAll(/\| '([a-z_]+)'/g)].map(([, reason]) => reason as string);
    expect(reasons).toContain('window');
    expect(reasons.filter((reason) => !page.has(reason))).toEqual([]);
  });

  it('names every code', () => {
    const source = /WIRE_CODES = \{([\s\S]*?)\} as const/.exec(read('libs/protocol/src/codes.ts'))?.[1] ?? '';
    const codes = [...source.matchAll(/^\s*([A-Z_]+):/gm)].map(([, code]) => code as string);
    expect(codes).toContain('AUTH_REQUIRED');
    expect(codes.filter((code) => !page.has(code))).toEqual([]);
  });
});
