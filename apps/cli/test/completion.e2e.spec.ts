import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { runCommandLine } from './command-line.ts';

// A shell on a busy machine takes its time.
const LONG_MS = 60_000;
jest.setTimeout(2 * LONG_MS);

let bash: string;

beforeAll(async () => {
  bash = (await runCommandLine(['completion', 'bash'])).out;
});

/** What a real bash offers behind these words. */
function offered(...words: string[]): string[] {
  const script = `${bash}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rejoin; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['-c', script, 'bash', 'rejoin', ...words], { encoding: 'utf8' });
  return out.split('\n').filter((line) => line !== '');
}

describe('completion', () => {
  it('offers commands, subcommands, options and what options take', () => {
    expect(offered('')).toEqual(expect.arrayContaining(['lag', 'dlq', 'doctor', '--url']));
    expect(offered('d')).toEqual(['dlq', 'disconnect', 'doctor']);
    expect(offered('dlq', 're')).toEqual(['redrive']);
    expect(offered('dlq', 'redrive', '--d')).toEqual(['--dry-run']);
    expect(offered('lag', '--sort', 'p')).toEqual(['partition', 'pending']);
    expect(offered('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });

  it('knows a value from a command, and offers nothing for what only the user knows', () => {
    expect(offered('--url', 'http://localhost:3100', 'dlq', 'li')).toEqual(['list']);
    expect(offered('peek', '--tenant', '')).toEqual([]);
    expect(offered('lag', '--status', 'OK', '--js')).toEqual(['--json']);
  });

  it('is not made for shells that it does not know', async () => {
    expect((await runCommandLine(['completion', 'tcsh'])).code).toBe(2);
  });
});

/** Lines as they are typed, and what they become at a tab: what bash, zsh and fish have in common. */
const COMPLETED = [
  ['rejoin dlq re', 'rejoin dlq redrive '],
  ['rejoin doc', 'rejoin doctor '],
  ['rejoin dlq redrive --dr', 'rejoin dlq redrive --dry-run '],
  ['rejoin lag --sort pe', 'rejoin lag --sort pending '],
  ['rejoin --url http://localhost:3100 dlq li', 'rejoin --url http://localhost:3100 dlq list '],
  ['rejoin peek --tenant ', 'rejoin peek --tenant '],
  ['rejoin publish --file event-o', 'rejoin publish --file event-one.json '],
] as const;

/** Not everywhere is every shell installed; where one is missing, its tests say so and do not count as passed. */
function inShell(shell: string, tests: (directory: () => string) => void): void {
  const isThere = spawnSync(shell, ['--version']).status === 0;
  let directory: string;
  (isThere ? describe : describe.skip)(
    `completion in a real ${shell}${isThere ? '' : ', which is not installed here'}`,
    () => {
      beforeAll(async () => {
        directory = mkdtempSync(join(tmpdir(), 'rejoin-completion-'));
        writeFileSync(join(directory, 'event-one.json'), '{}');
        writeFileSync(join(directory, 'rejoin'), (await runCommandLine(['completion', shell])).out);
      });
      afterAll(() => rmSync(directory, { recursive: true }));
      tests(() => directory);
    },
  );
}

/** Types a line and a tab into an interactive zsh on a pseudo-terminal, and prints what became of the line. */
const ZSH = `
zmodload zsh/zpty
zpty shell "TERM=dumb ZDOTDIR=$PWD zsh -d -i"
zpty -r -m shell out '*\\[ready\\]*'
zpty -w -n shell "$1"$'\\t\\x18'
zpty -r -m shell out '*<<<*>>>*'
print -rn -- \${\${out##*<<<}%%>>>*}
zpty -d shell
`;
const ZSHRC = `
PS1= PS2= RPS1=
source $ZDOTDIR/rejoin
ready() { print -rn -- "[ready]"; zle -D zle-line-init }
show() { print -rn -- "<<<$BUFFER>>>" }
zle -N zle-line-init ready
zle -N show
bindkey '^X' show
`;

inShell('zsh', (directory) => {
  it.each(COMPLETED)('%j becomes %j', (line, completed) => {
    writeFileSync(join(directory(), '.zshrc'), ZSHRC);
    const out = execFileSync('zsh', ['-f', '-c', ZSH, 'zsh', line], {
      cwd: directory(),
      encoding: 'utf8',
      timeout: LONG_MS,
    });
    expect(out).toBe(completed);
  });
});

inShell('fish', (directory) => {
  const offers = (line: string): string[] => {
    const script = 'source rejoin; complete -C $argv[1]';
    const env = { PATH: process.env.PATH, HOME: directory() };
    const out = execFileSync('fish', ['--no-config', '-c', script, line], { cwd: directory(), env, encoding: 'utf8' });
    return out
      .split('\n')
      .filter((offer) => offer !== '')
      .map((offer) => offer.split('\t')[0] as string);
  };

  it.each(COMPLETED)('%j becomes %j', (line, completed) => {
    const words = line.split(' ');
    const offered = offers(line);
    const become = offered.length === 0 ? line : `${[...words.slice(0, -1), offered[0]].join(' ')} `;
    expect(offered.length).toBeLessThanOrEqual(1);
    expect(become).toBe(completed);
  });

  it('offers subcommands and what an argument may be', () => {
    expect(offers('rejoin dlq ')).toEqual(expect.arrayContaining(['list', 'groups', 'show', 'redrive', 'discard']));
    expect(offers('rejoin completion ')).toEqual(['bash', 'fish', 'zsh']);
  });
});
