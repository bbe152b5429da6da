import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { FAULT_KINDS } from '../src/schedule.ts';

jest.setTimeout(400_000);

const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const SEED = process.env.REJOIN_E2E_SEED ?? '1';

async function chaos(...args: string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

test(`G1–G9 every guarantee holds through a round of all faults (seed ${SEED})`, async () => {
  // Shorter than a round, so it is one.
  const { code, output } = await chaos('--seed', SEED, '--minutes', '0.4');
  // The output is the evidence.
  expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('every guarantee held') });
  for (const kind of FAULT_KINDS) expect(output).toMatch(new RegExp(`^ *[\\d.]+ s  ${kind}\\b`, 'm'));
  expect(output).toMatch(/round 1: \d{3,} events accepted, \d{3,} of \d{3,} deliveries made/);
});

test('a wrong command line is refused in words', async () => {
  const { code, output } = await chaos('--minutes', 'long');
  expect(code).toBe(2);
  expect(output).toMatch(/--minutes must be a number[\s\S]*Usage: npm run chaos/);
});
