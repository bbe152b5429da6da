import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import { makeStandIns, type StandIns } from './stand-ins.ts';

const hooks = fileURLToPath(new URL('../../../scripts/swc-hooks.mjs', import.meta.url));
const supervisor = fileURLToPath(new URL('fixtures/run.mjs', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>;
  output: string;
}

let standIns: StandIns;
let runs: Run[];

beforeEach(() => {
  standIns = makeStandIns();
  runs = [];
});
afterEach(async () => {
  for (const run of runs) {
    run.child.kill('SIGKILL');
    await run.exited;
  }
  standIns.remove();
});

function start(variables: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(
    process.execPath,
    ['--conditions=@rejoin/source', '--import', hooks, supervisor, standIns.programsDirectory],
    {
      // The supervisor's group, as a terminal has one for it.
      detached: true,
      // The channel ends it with this process, should that be interrupted.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env.PATH,
        DATA_DIR: standIns.dataDirectory,
        GATEWAY_PORTS: '0,0',
        OPS_PORT: '0',
        DEMO_PORT: '0',
        ...variables,
      },
    },
  );
  const run: Run = { child, exited: endOf(child), output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      run.output += text;
    });
  }
  runs.push(run);
  return run;
}

/** Not 'close', which does not come where the channel was closed from this side. */
async function endOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const streams = [child.stdout, child.stderr].map((stream) => stream && once(stream, 'end'));
  const [exit] = await Promise.all([once(child, 'exit'), ...streams]);
  return exit as [number | null, NodeJS.Signals | null];
}

async function ready(run: Run): Promise<string> {
  const [line] = await eventually(() => run.output.match(/^ready .*$/m), { timeoutMs: 15_000 });
  return line;
}

const redisPid = (): number =>
  Number(readFileSync(join(standIns.dataDirectory, 'redis/redis.pid'), 'utf8').split(' ')[0]);
const locks = (): string[] => readdirSync(standIns.dataDirectory).filter((name) => name.startsWith('lock'));

function expectGone(pid: number): void {
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
}

describe('npm start', () => {
  it('says once where everything is, and answers there', async () => {
    const run = start();
    const line = await ready(run);
    const url = 'http://localhost:\\d+';
    expect(line).toMatch(new RegExp(`^ready gateway=${url},${url} ops=${url} demo=${url}$`));
    expect(run.output.match(/^ready /gm)).toHaveLength(1);
    for (const [address] of line.matchAll(/http:[^, ]+/g)) expect((await fetch(address)).ok).toBe(true);
  });

  it('says that the demo is off', async () => {
    expect(await ready(start({ DEMO: '0' }))).toMatch(/ demo=off$/);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends with code 0 on %s, and leaves nothing', async (signal) => {
    const run = start();
    await ready(run);
    const pid = redisPid();
    run.child.kill(signal);
    expect(await run.exited).toEqual([0, null]);
    expectGone(pid);
    expect(locks()).toEqual([]);
  });

  it('ends with code 0 when its parent is gone', async () => {
    const run = start();
    await ready(run);
    run.child.disconnect();
    expect(await run.exited).toEqual([0, null]);
    expect(locks()).toEqual([]);
  });

  it('ends with code 0 on a Ctrl-C that reaches the whole group, twice', async () => {
    const run = start();
    await ready(run);
    process.kill(-(run.child.pid as number), 'SIGINT');
    run.child.kill('SIGINT');
    expect(await run.exited).toEqual([0, null]);
    expect(run.output).not.toContain('ended with code');
    expect(locks()).toEqual([]);
  });

  it('ends with code 0 while it is still starting', async () => {
    const run = start();
    await eventually(() => run.output.includes('jwt-secret'), { timeoutMs: 15_000 });
    run.child.kill('SIGTERM');
    expect(await run.exited).toEqual([0, null]);
    expect(locks()).toEqual([]);
  });

  it('kills what does not stop, and ends with code 0 within ten seconds', async () => {
    const run = start({ FAULTS: 'worker=deaf' });
    await ready(run);
    const killedAt = performance.now();
    run.child.kill('SIGTERM');
    expect(await run.exited).toEqual([0, null]);
    expect(performance.now() - killedAt).toBeLessThan(10_000);
    expect(locks()).toEqual([]);
  });

  it('takes nothing with it and blocks nothing when it is killed', async () => {
    const run = start();
    const line = await ready(run);
    const pid = redisPid();
    run.child.kill('SIGKILL');
    await run.exited;
    await eventually(() => expectGone(pid));
    for (const [address] of line.matchAll(/http:[^, ]+/g)) {
      await eventually(() => expect(fetch(address)).rejects.toThrow('fetch failed'));
    }
    await ready(start());
  });

  it('ends with code 1 and one message beside a running one', async () => {
    const first = start();
    await ready(first);
    const second = start();
    expect(await second.exited).toEqual([1, null]);
    expect(second.output.trim()).toMatch(/^Rejoin is already running on .* \(process \d+\)\. Stop it first, .*$/);
  });

  it('ends with code 78 and the variable’s name on a bad configuration', async () => {
    const run = start({ WORKERS: 'many' });
    expect(await run.exited).toEqual([78, null]);
    expect(run.output).toContain('WORKERS must be a whole number');
  });
});
