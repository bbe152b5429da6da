import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { acquireDirectoryLock, DirectoryInUseError } from '../src/index.ts';
import { identifyProcess } from '../src/process-identity.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const hooks = fileURLToPath(new URL('../../../scripts/swc-hooks.mjs', import.meta.url));

let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rejoin-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(directory, { recursive: true });
});

/** A process that tries to take the lock when it is told so, says how that went, and then stays. */
function contender(): ChildProcess {
  const child = fork(fixture('lock-contender.mjs'), [directory], { execArgv: ['--import', hooks] });
  children.push(child);
  return child;
}

async function tries(child: ChildProcess): Promise<unknown> {
  child.send('go');
  const [outcome] = await once(child, 'message');
  return outcome;
}

async function readyContender(): Promise<ChildProcess> {
  const child = contender();
  await once(child, 'message');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('a directory', () => {
  it('is held by one living process, which others are told', async () => {
    const holder = await readyContender();
    expect(await tries(holder)).toBe('held');
    const attempt = (): unknown => acquireDirectoryLock(directory);
    expect(attempt).toThrow(DirectoryInUseError);
    expect(attempt).toThrow(`${directory} is in use by process ${holder.pid}`);
  });

  it('is free again once its holder was killed', async () => {
    const holder = await readyContender();
    expect(await tries(holder)).toBe('held');
    await kill(holder);
    acquireDirectoryLock(directory).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('goes to exactly one of several that find a dead holder at once', async () => {
    await writeFile(join(directory, 'lock'), '1 0\n');
    const contenders = await Promise.all(Array.from({ length: 4 }, readyContender));
    const outcomes = await Promise.all(contenders.map(tries));
    expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'DIRECTORY_IN_USE')).toHaveLength(3);
  });

  it('is not held by a process that only has the id of the holder', async () => {
    await writeFile(join(directory, 'lock'), `${process.ppid} 1\n`);
    acquireDirectoryLock(directory).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('is not held by a lock file that says nothing, nor by a dead take-over', async () => {
    await writeFile(join(directory, 'lock'), '');
    await writeFile(join(directory, 'lock.claim'), '1 0\n');
    acquireDirectoryLock(directory).release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('stays with its new holder when the old one releases late', async () => {
    const lock = acquireDirectoryLock(directory);
    await writeFile(join(directory, 'lock'), '1 0\n');
    lock.release();
    expect(await readFile(join(directory, 'lock'), 'utf8')).toBe('1 0\n');
  });

  it('is made, for its owner alone, where it is missing', () => {
    const inner = join(directory, 'a/b');
    const lock = acquireDirectoryLock(inner);
    lock.release();
    lock.release();
    expect(lock.directory).toBe(inner);
  });
});

describe('a process', () => {
  it('is told from a later one with the same id, and from one that ended', async () => {
    const own = identifyProcess(process.pid);
    expect(own).toEqual(identifyProcess(process.pid));
    const child = await readyContender();
    const identity = identifyProcess(child.pid as number);
    expect(identity?.startedAt).not.toBe(own?.startedAt);
    await kill(child);
    expect(identifyProcess(child.pid as number)).toBeNull();
  });
});
