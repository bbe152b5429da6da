import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { Column } from '../src/table.ts';
import { type Streams, Terminal } from '../src/terminal.ts';
import { cut, fit, widthOf } from '../src/width.ts';

interface Row {
  readonly id: string;
  readonly state: string;
  readonly text: string;
}

const ROWS: readonly Row[] = [
  { id: '3.1764064862000-0', state: 'live', text: 'a rather long explanation of what is the matter with this row' },
  { id: '3.1764064862000-1', state: 'gone', text: '広告 🚀' },
];
const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', whole: true, cell: ({ id }) => id },
  { title: 'STATE', cell: ({ state }) => ({ text: state, tone: state === 'live' ? 'good' : 'bad' }) },
  { title: 'TEXT', cell: ({ text }) => text },
  { title: 'N', align: 'right', cell: ({ text }) => String(text.length) },
];

function make(environment: NodeJS.ProcessEnv = {}, size?: { columns: number; rows: number }) {
  const written = { out: '', err: '' };
  const sink = (to: 'out' | 'err') => ({
    isTTY: size !== undefined,
    ...size,
    write: (text: string) => {
      written[to] += text;
    },
  });
  const streams = { stdin: {}, stdout: sink('out'), stderr: sink('err') } as unknown as Streams;
  return { terminal: new Terminal(streams, environment), written };
}

/** Lines as they are seen, without colours. */
function seen(text: string): string[] {
  return stripVTControlCharacters(text).split('\n').slice(0, -1);
}

describe('a table', () => {
  it.each([20, 32, 50, 80, 200])('fits a terminal of %i columns', (columns) => {
    const { terminal, written } = make({}, { columns, rows: 24 });
    terminal.table(ROWS, COLUMNS);
    const lines = seen(written.out);
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });

  it('keeps whole what is copied as long as it can, and says that columns are left out', () => {
    const wide = make({}, { columns: 50, rows: 24 });
    wide.terminal.table(ROWS, COLUMNS);
    expect(wide.written.out).toContain('3.1764064862000-0');
    const narrow = make({}, { columns: 20, rows: 24 });
    narrow.terminal.table(ROWS, COLUMNS);
    expect(seen(narrow.written.out)[0]).toMatch(/…$/);
  });

  it('is whole in a pipe', () => {
    const { terminal, written } = make();
    terminal.table(ROWS, COLUMNS);
    expect(written.out).toContain(ROWS[0]?.text);
  });

  it('lines up columns behind wide characters', () => {
    const { terminal, written } = make();
    terminal.table(ROWS, COLUMNS);
    const widths = seen(written.out).map(widthOf);
    expect(new Set(widths).size).toBe(1);
  });
});

describe('colour', () => {
  const colouredWith = (environment: NodeJS.ProcessEnv, size?: { columns: number; rows: number }): boolean => {
    const { terminal, written } = make(environment, size);
    terminal.table(ROWS, COLUMNS);
    return written.out.includes('\u001b');
  };
  const size = { columns: 80, rows: 24 };

  it('is for terminals, and not where NO_COLOR is set or the terminal is dumb', () => {
    expect(colouredWith({}, size)).toBe(true);
    expect(colouredWith({})).toBe(false);
    expect(colouredWith({ FORCE_COLOR: '1' })).toBe(true);
    expect(colouredWith({ NO_COLOR: '1' }, size)).toBe(false);
    expect(colouredWith({ NO_COLOR: '1', FORCE_COLOR: '1' }, size)).toBe(false);
    expect(colouredWith({ NO_COLOR: '' }, size)).toBe(true);
    expect(colouredWith({ TERM: 'dumb' }, size)).toBe(false);
  });
});

describe('what events hold', () => {
  it('does not command the terminal', () => {
    const { terminal, written } = make();
    const evil = 'a\u001b]0;title\u0007b\u001b[2Jc\rd\u009b31me';
    terminal.line(evil, { text: evil, tone: 'bad' });
    terminal.table([evil], [{ title: 'EVIL', cell: (text) => text }]);
    terminal.say(evil);
    expect(written.out + written.err).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

describe('a picture', () => {
  it('takes the place of the one before in one write, and is never higher than the screen', () => {
    const { terminal, written } = make({ NO_COLOR: '1' }, { columns: 40, rows: 6 });
    const draw = (count: number): string => {
      written.out = '';
      terminal.picture(() => {
        for (let at = 0; at < count; at++) terminal.line(`line ${at} ${'x'.repeat(100)}`);
      });
      return written.out;
    };
    expect(draw(3).startsWith('\u001b[2J\u001b[H')).toBe(true);
    const second = draw(10);
    expect(second.startsWith('\u001b[H')).toBe(true);
    expect(second.endsWith('\u001b[J')).toBe(true);
    const lines = second.split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[4]).toContain('6 lines more than fit');
    for (const line of lines) expect(widthOf(stripVTControlCharacters(line))).toBeLessThanOrEqual(40);
  });
});

describe('a question', () => {
  function asked(): { readonly answer: Promise<string>; readonly stdin: PassThrough } {
    const stdin = new PassThrough();
    const stderr = new PassThrough();
    stderr.resume();
    const streams = { stdin, stdout: { write: () => true }, stderr } as unknown as Streams;
    return { answer: new Terminal(streams, {}).ask('Sure? '), stdin };
  }

  it('is answered by a line', async () => {
    const { answer, stdin } = asked();
    stdin.write(' 42 \n');
    expect(await answer).toBe('42');
  });

  it('is not confirmed where the input ends', async () => {
    const { answer, stdin } = asked();
    stdin.end();
    expect(await answer).toBe('');
  });
});

describe('progress', () => {
  it('is a bar on stderr of a terminal, and nothing elsewhere', () => {
    const watched = make({}, { columns: 80, rows: 24 });
    watched.terminal.progress('redrive: 5 of 10', 5, 10);
    expect(watched.written).toMatchObject({ out: '', err: expect.stringContaining('50 %  redrive: 5 of 10') });
    const unwatched = make();
    unwatched.terminal.progress('redrive: 5 of 10', 5, 10);
    expect(unwatched.written).toEqual({ out: '', err: '' });
  });
});

describe('the width of a text', () => {
  it.each([
    ['plain', 5],
    ['é', 1],
    ['e\u0301', 1],
    ['広告', 4],
    ['🚀', 2],
    ['👩‍👩‍👧', 2],
    ['…–', 2],
  ])('of %j is %i columns', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  it('is kept by cutting between characters, and filled up', () => {
    expect(cut('広告広告', 5)).toBe('広告…');
    expect(cut('広告広告', 4)).toBe('広…');
    expect(fit('広', 4, 'right')).toBe('  広');
    expect(widthOf(fit('広告広告', 4))).toBe(4);
  });
});
