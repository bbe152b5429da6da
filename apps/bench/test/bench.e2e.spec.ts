import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, jest } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import type { RecordedResult } from '../src/results.ts';

const ENTRY = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const TIMEOUT_MS = 120_000;
jest.setTimeout(TIMEOUT_MS);

function startBench(...args: string[]) {
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  return { child, output, exitCode };
}

/** The processes that it said it started. */
function pidsIn(stderr: string): number[] {
  return [...stderr.matchAll(/running as ([\d, ]+)/g)].flatMap(([, pids]) => (pids as string).split(', ').map(Number));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is none.
    return false;
  }
}

describe('the benchmark', () => {
  it.each(['storm', 'reconnect', 'throughput', 'latency'])('measures both sides in %s', async (scenario) => {
    const bench = startBench(scenario, '--quick', '--json');
    if ((await bench.exitCode) !== 0) throw new Error(bench.output.stderr);
    const result = JSON.parse(bench.output.stdout) as RecordedResult;
    expect(result).toMatchObject({ scenario, environment: { socketIo: '4.8.4', redisStreamsAdapter: '0.3.1' } });
    expect(new Set(result.rounds.map(({ side }) => side))).toEqual(new Set(['rejoin', 'stock']));
    const lost = result.rounds.filter(({ side }) => side === 'rejoin').map((round) => round.lost ?? 0);
    expect(lost.filter((count) => count !== 0)).toEqual([]);
    expect(pidsIn(bench.output.stderr).filter(isRunning)).toEqual([]);
  });

  it.each([
    ['fanout', ['rejoin', 'stock', 'ws']],
    ['idle', ['rejoin', 'stock']],
    ['soak', ['rejoin']],
    ['stalled', ['rejoin']],
    ['fairness', ['rejoin']],
    ['workers', ['rejoin']],
    ['operators', ['rejoin']],
  ])('measures %s', async (scenario, sides) => {
    const bench = startBench(scenario, '--quick', '--json');
    if ((await bench.exitCode) !== 0) throw new Error(bench.output.stderr);
    const result = JSON.parse(bench.output.stdout) as RecordedResult;
    expect(new Set(result.rounds.map(({ side }) => side))).toEqual(new Set(sides));
    expect(pidsIn(bench.output.stderr).filter(isRunning)).toEqual([]);
  });

  it('leaves no process behind when it is interrupted', async () => {
    const bench = startBench('throughput', '--quick');
    await eventually(() => bench.output.stderr.includes('warming up'), { timeoutMs: TIMEOUT_MS / 2 });
    bench.child.kill('SIGINT');
    expect(await bench.exitCode).toBe(130);
    const pids = pidsIn(bench.output.stderr);
    expect(pids.length).toBeGreaterThan(0);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  it('says which scenarios there are where it is asked for another', async () => {
    const bench = startBench('strom');
    expect(await bench.exitCode).toBe(2);
    expect(bench.output.stderr).toContain(
      'Scenarios: storm, reconnect, throughput, latency, fanout, idle, soak, stalled, fairness, workers, operators',
    );
  });
});
