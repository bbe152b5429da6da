import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import type { Notice } from '../src/log-digest.ts';
import { LogFile } from '../src/log-file.ts';
import { Program, type ProgramOptions } from '../src/program.ts';
import { makeStandIns, type StandIns } from './stand-ins.ts';

let standIns: StandIns;
let log: LogFile;
let program: Program | undefined;
let notices: Notice[];
let ends: [string, number][];
let restarts: string[];

beforeEach(() => {
  standIns = makeStandIns();
  log = new LogFile(join(standIns.dataDirectory, 'worker-1.log'));
  [notices, ends, restarts] = [[], [], []];
});
afterEach(async () => {
  const stopped = program?.stop();
  program?.kill();
  await stopped;
  log.close();
  standIns.remove();
});

function make(options: Partial<ProgramOptions> = {}, faults = ''): Program {
  program = new Program({
    name: 'worker-1',
    entry: standIns.entry('worker'),
    environment: { PATH: process.env.PATH, PORT: '0', FAULTS: faults },
    log,
    restartDelayMs: 1,
    onNotice: (notice) => notices.push(notice),
    onEnded: (how, restartInMs) => ends.push([how, restartInMs]),
    onRestarted: (url) => restarts.push(url),
    ...options,
  });
  return program;
}

/** The program ends as it answers, so the request may fail. */
async function makeDie(url: string): Promise<void> {
  await fetch(`${url}/die`).catch((error: unknown) => error);
}

describe('a program', () => {
  it('is started when it says so, in a session of its own, and its output is kept', async () => {
    const url = await make().start();
    expect((await fetch(url)).ok).toBe(true);
    await eventually(() => expect(readFileSync(log.path, 'utf8')).toContain('"ready"'));
    expect(program?.pid).toBeGreaterThan(0);
  });

  it('has its warnings passed on', async () => {
    const url = await make().start();
    await fetch(`${url}/warn`);
    await eventually(() => expect(notices).toEqual([{ severity: 'warning', message: 'slow: disk', repeated: 0 }]));
  });

  it('that ends is started again, after longer and longer', async () => {
    let url = await make().start();
    for (const attempt of [1, 2, 3]) {
      await makeDie(url);
      await eventually(() => restarts.length === attempt);
      url = restarts.at(-1) as string;
    }
    expect(ends).toEqual([
      ['ended with code 3', 1],
      ['ended with code 3', 2],
      ['ended with code 3', 4],
    ]);
    expect((await fetch(url)).ok).toBe(true);
  });

  it('that was killed is started again', async () => {
    await make().start();
    process.kill(program?.pid as number, 'SIGKILL');
    await eventually(() => restarts.length === 1);
    expect(ends).toEqual([['was ended by SIGKILL', 1]]);
  });

  it('that is made to crash is away for as long as was asked, without it counting as a failure', async () => {
    await make({ restartDelayMs: 60_000 }).start();
    const { pid } = program as Program;
    expect(program?.crash(5)).toBe(true);
    expect(program?.crash(5)).toBe(false);
    await eventually(() => restarts.length === 1);
    expect(ends).toEqual([['was ended by SIGKILL', 5]]);
    expect(program?.status).toEqual({ name: 'worker-1', running: true, pid: expect.any(Number), restarts: 1 });
    expect(program?.pid).not.toBe(pid);
  });

  it('that cannot start fails with what it said, and is not tried again', async () => {
    await expect(make({}, 'worker=misconfigured').start()).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: 'worker-1 ended with code 78\n  worker: JWT_SECRET is too short',
    });
    expect([notices, ends]).toEqual([[], []]);
  });

  it('that is not ready in time fails', async () => {
    await expect(make({ readyTimeoutMs: 400 }, 'worker=silent').start()).rejects.toThrow('was not ready within 0.4 s');
  });

  it('stops for good, however often it is told to', async () => {
    await make().start();
    await Promise.all([program?.stop(), program?.stop()]);
    await program?.stop();
    expect([program?.pid, ends]).toEqual([undefined, []]);
  });

  it('stops also while it starts, and while it waits to be started again', async () => {
    const starting = make({}, 'worker=silent').start();
    const [start] = await Promise.allSettled([starting, program?.stop()]);
    expect(start).toMatchObject({ status: 'rejected', reason: { code: 'STOPPED' } });
    const url = await make({ restartDelayMs: 60_000 }).start();
    await makeDie(url);
    await eventually(() => ends.length === 1);
    await program?.stop();
    expect(program?.pid).toBeUndefined();
  });

  it('that does not stop can be killed', async () => {
    await make({}, 'worker=deaf').start();
    const stopped = program?.stop();
    program?.kill();
    await stopped;
    expect(program?.pid).toBeUndefined();
  });
});
