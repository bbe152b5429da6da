import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseCommandLine } from '../src/command-line.ts';
import { describeEnvironment } from '../src/environment.ts';
import { higherIsBetter, lowerIsBetter } from '../src/measure.ts';
import { formatResult } from '../src/report.ts';
import { type RecordedResult, recordResult } from '../src/results.ts';

const reached = ({ ratio }: { ratio: number }) => ratio >= 2;

function resultOf(scenario: string): RecordedResult {
  return {
    scenario,
    title: 'ten events',
    parameters: {},
    redisVersion: '7.0.15',
    measures: [
      lowerIsBetter({ name: 'time', unit: 's', rejoin: 0.5, stock: 2, goal: { text: '≥ 2 ×', reached } }),
      higherIsBetter({ name: 'rate', unit: 'events/s', rejoin: 1_500, stock: 1_000, goal: { text: '≥ 2 ×', reached } }),
      lowerIsBetter({ name: 'lost', unit: 'count', rejoin: 0, stock: 7 }),
      lowerIsBetter({ name: 'only here', unit: 'ms', rejoin: 12.34, stock: null }),
      lowerIsBetter({ name: 'within', unit: '%', rejoin: 0.5, stock: null, interval: { low: -1.25, high: 2.25 } }),
    ],
    rounds: [],
    measuredAt: '2026-01-31T12:00:00.000Z',
    command: `npm run bench -- ${scenario}`,
    durationSeconds: 3,
    environment: describeEnvironment('7.0.15'),
  };
}

describe('a result', () => {
  it('says by how much this project is better, and whether a goal was reached', () => {
    const lines = formatResult(resultOf('storm')).split('\n');
    const cells = (name: string) =>
      lines
        .find((line) => line.trimStart().startsWith(name))
        ?.trim()
        .split(/ {2,}/);
    expect(cells('time')).toEqual(['time', '0.50 s', '2.00 s', '4.00 ×', '≥ 2 ×', 'reached']);
    expect(cells('rate')).toEqual(['rate', '1,500 events/s', '1,000 events/s', '1.50 ×', '≥ 2 ×', 'missed']);
    expect(cells('lost')).toEqual(['lost', '0', '7', '–']);
    expect(cells('only here')).toEqual(['only here', '12.3 ms', '–', '–']);
    expect(cells('within')).toEqual(['within', '0.50 % (-1.25 to 2.25)', '–', '–']);
  });

  it('is recorded beside the earlier ones of other scenarios', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'rejoin-bench-'));
    try {
      recordResult(resultOf('latency'), ['storm', 'latency'], directory);
      recordResult(resultOf('storm'), ['storm', 'latency'], directory);
      const page = await readFile(join(directory, 'README.md'), 'utf8');
      expect(page.match(/^## .*/gm)).toEqual(['## storm', '## latency']);
      expect(page).toContain('| time | 0.50 s | 2.00 s | 4.00 × | ≥ 2 × | reached |');
      expect(JSON.parse(await readFile(join(directory, 'storm.json'), 'utf8'))).toEqual(resultOf('storm'));
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('the command line', () => {
  const scenarios = ['storm', 'latency'];

  it('takes a scenario and its options in any order', () => {
    expect(parseCommandLine(['--json', 'storm', '--profile', '/tmp/p', '--no-install'], scenarios)).toEqual({
      scenario: 'storm',
      json: true,
      record: false,
      quick: false,
      profileDirectory: '/tmp/p',
    });
  });

  it.each([[[]], [['strom']], [['storm', 'latency']], [['storm', '--fast']]])('refuses %j', (args) => {
    expect(() => parseCommandLine(args, scenarios)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
