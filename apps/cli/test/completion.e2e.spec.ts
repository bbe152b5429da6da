import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { runCommandLine } from './command-line.ts';

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

  it('is made for zsh and fish from the same commands', async () => {
    const zsh = (await runCommandLine(['completion', 'zsh'])).out;
    expect(zsh).toContain('bashcompinit');
    expect(zsh).toContain(bash.trim());
    const fish = (await runCommandLine(['completion', 'fish'])).out;
    expect(fish).toMatch(/-a redrive -d 'append dead letters again'/);
    expect(fish).toMatch(/-l sort -r -a 'partition status .*' -d/);
    expect((await runCommandLine(['completion', 'tcsh'])).code).toBe(2);
  });
});
