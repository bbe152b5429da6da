import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, disconnect, parseRedisUrl, type RedisClient } from '@rejoin/redis';
import { eventually } from '@rejoin/testing';
import { type EmbeddedRedis, type EmbeddedRedisOptions, type RedisExit, startEmbeddedRedis } from '../src/index.ts';
import { formatIdentity, identifyProcess } from '../src/process-identity.ts';

const hooks = fileURLToPath(new URL('../../../scripts/swc-hooks.mjs', import.meta.url));
const owner = fileURLToPath(new URL('fixtures/redis-owner.mjs', import.meta.url));

let directory: string;
const running: EmbeddedRedis[] = [];
const clients: RedisClient[] = [];
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rejoin-embedded-'));
});
afterEach(async () => {
  for (const client of clients.splice(0)) disconnect(client);
  await Promise.all(running.splice(0).map((redis) => redis.stop()));
  for (const child of children.splice(0)) if (isRunning(child)) await killed(child);
  await rm(directory, { recursive: true });
});

async function start(options: EmbeddedRedisOptions = {}): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis(options);
  running.push(redis);
  return redis;
}

const impatientClientOf = (url: string): RedisClient => clientOf(url, 200);

function clientOf(url: string, commandTimeoutMs = 5_000): RedisClient {
  const client = connect({ url, use: 'commands', name: 'test', commandTimeoutMs, onError: () => undefined });
  clients.push(client);
  return client;
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A process of its own that embeds Redis. */
async function startOwner(
  ownerDirectory?: string,
): Promise<{ child: ChildProcess; url: string; pid: number; directory: string }> {
  const child = fork(owner, ownerDirectory === undefined ? [] : [ownerDirectory], { execArgv: ['--import', hooks] });
  children.push(child);
  const [message] = (await once(child, 'message')) as [{ url: string; pid: number; directory: string }];
  return { child, ...message };
}

/** A process that would run for ever. */
function startStranger(): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  children.push(child);
  return child;
}

const alive = (pid: number): boolean => identifyProcess(pid) !== null;

describe('an embedded Redis', () => {
  it('listens on a unix socket that is its owner’s alone, and nowhere else', async () => {
    const redis = await start({ directory });
    const target = parseRedisUrl(redis.url);
    expect(target).toEqual({ kind: 'socket', path: join(redis.directory, 'redis.sock') });
    expect(statSync(join(redis.directory, 'redis.sock')).mode & 0o777).toBe(0o700);
    expect(await clientOf(redis.url).config('GET', 'port')).toEqual(['port', '0']);
    expect(redis.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('falls back to a loopback port with a password where the socket’s path would be too long', async () => {
    const redis = await start({ directory: join(directory, 'x'.repeat(100)) });
    const url = new URL(redis.url);
    expect(url.hostname).toBe('127.0.0.1');
    expect(await clientOf(redis.url).ping()).toBe('PONG');
    url.password = '';
    await expect(clientOf(url.href).ping()).rejects.toThrow('NOAUTH');
  });

  it('leaves no process, lock or temporary directory when it stops', async () => {
    const redis = await start();
    const { pid } = redis;
    expect(existsSync(redis.directory)).toBe(true);
    await redis.stop();
    await redis.stop();
    expect(alive(pid)).toBe(false);
    expect(existsSync(redis.directory)).toBe(false);
    expect(() => redis.pid).toThrow('Redis is not running');
  });

  it('keeps what it acknowledged over SIGKILL, on the same address, with its append-only file', async () => {
    const redis = await start({ directory, listen: 'tcp', appendOnly: true, appendFsync: 'always' });
    const { url, pid } = redis;
    const client = clientOf(url);
    await client.set('a', '1');
    await redis.kill();
    expect(alive(pid)).toBe(false);
    await redis.restart();
    expect(redis.url).toBe(url);
    expect(redis.pid).not.toBe(pid);
    expect(await eventually(() => client.get('a'))).toBe('1');
  });

  it('starts again on its socket after SIGKILL, and empty without an append-only file', async () => {
    const redis = await start({ directory });
    await clientOf(redis.url).set('a', '1');
    await redis.kill();
    await redis.restart();
    expect(await clientOf(redis.url).exists('a')).toBe(0);
  });

  it('refuses writes above its memory limit, and evicts nothing', async () => {
    const redis = await start({ maxMemoryBytes: 2 * 1024 ** 2 });
    const client = clientOf(redis.url);
    await client.set('kept', 'x');
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 100; i += 1) await client.set(`fill:${i}`, 'x'.repeat(100_000));
    };
    await expect(fill()).rejects.toThrow('OOM');
    expect(await client.get('kept')).toBe('x');
    expect(await client.info('stats')).toContain('evicted_keys:0');
  });

  it('answers nothing while it is paused, and then everything', async () => {
    const redis = await start();
    redis.pause();
    await expect(impatientClientOf(redis.url).ping()).rejects.toThrow('timed out');
    redis.continue();
    expect(await clientOf(redis.url).ping()).toBe('PONG');
  });

  it('is killed where it does not stop in time', async () => {
    const exits: RedisExit[] = [];
    const redis = await start({ directory, onExit: (exit) => exits.push(exit) });
    const client = clientOf(redis.url);
    await client.ping();
    const busy = client.eval('while true do end', 0).catch((error: unknown) => error);
    await expect(impatientClientOf(redis.url).ping()).rejects.toThrow('timed out');
    await redis.stop(50);
    await busy;
    expect(exits).toEqual([expect.objectContaining({ signal: 'SIGKILL', expected: true })]);
  });

  it('reports when it ends by itself', async () => {
    const exits: RedisExit[] = [];
    const redis = await start({ onExit: (exit) => exits.push(exit) });
    const { pid } = redis;
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(exits).toEqual([{ pid, code: null, signal: 'SIGKILL', expected: false }]));
  });
});

describe('a start', () => {
  it('is refused while a living process holds the directory', async () => {
    const redis = await start({ directory });
    await expect(startEmbeddedRedis({ directory })).rejects.toMatchObject({
      code: 'DIRECTORY_IN_USE',
      pid: process.pid,
    });
    expect(await clientOf(redis.url).ping()).toBe('PONG');
  });

  it('that fails says why with the server’s words, and holds nothing', async () => {
    const failing = startEmbeddedRedis({ directory, directives: { maxmemory: 'plenty' } });
    await expect(failing).rejects.toMatchObject({
      code: 'REDIS_START_FAILED',
      message: expect.stringMatching(/ended with code 1\n.*maxmemory/s),
    });
    expect(await readdir(directory)).not.toContain('lock');
    await start({ directory });
  });

  it('fails where the program cannot be run', async () => {
    const server = { path: join(directory, 'missing'), version: '7.0.0' };
    await expect(startEmbeddedRedis({ directory, server })).rejects.toMatchObject({
      code: 'REDIS_START_FAILED',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('does not take somebody else’s server on its port for its own', async () => {
    const other = await start({ listen: 'tcp' });
    const port = Number(new URL(other.url).port);
    await expect(startEmbeddedRedis({ listen: 'tcp', port })).rejects.toMatchObject({
      code: 'REDIS_START_FAILED',
      message: expect.stringContaining('Address already in use'),
    });
  });

  it('fails in time where what has its port says nothing', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    try {
      const failing = startEmbeddedRedis({ listen: 'tcp', port, startTimeoutMs: 100 });
      await expect(failing).rejects.toMatchObject({ code: 'REDIS_START_FAILED' });
    } finally {
      silent.close();
    }
  });

  it('finds no server where none is on the search path', async () => {
    const { PATH, REDIS_SERVER } = process.env;
    process.env.PATH = directory;
    delete process.env.REDIS_SERVER;
    try {
      await expect(startEmbeddedRedis({ directory })).rejects.toMatchObject({ code: 'REDIS_NOT_FOUND' });
    } finally {
      process.env.PATH = PATH;
      if (REDIS_SERVER !== undefined) process.env.REDIS_SERVER = REDIS_SERVER;
    }
  });
});

describe('after its owner was killed', () => {
  it('Redis ends by itself, and a temporary directory goes', async () => {
    const { child, pid, directory: temporary } = await startOwner();
    expect(alive(pid)).toBe(true);
    await killed(child);
    await eventually(() => !alive(pid) && !existsSync(temporary));
  });

  it('the directory can be used again at once', async () => {
    const { child, pid } = await startOwner(directory);
    await killed(child);
    const redis = await start({ directory });
    expect(alive(pid)).toBe(false);
    expect(await clientOf(redis.url).ping()).toBe('PONG');
  });

  it('a server that nobody ended is ended by the next start', async () => {
    const leftover = startStranger();
    const ended = once(leftover, 'exit');
    const identity = identifyProcess(leftover.pid as number);
    await writeFile(join(directory, 'redis.pid'), identity ? formatIdentity(identity) : '');
    await start({ directory });
    expect((await ended)[1]).toBe('SIGTERM');
  });

  it('a process that has the recorded id by chance is left alone', async () => {
    const stranger = startStranger();
    await writeFile(join(directory, 'redis.pid'), `${stranger.pid} 1\n`);
    await start({ directory });
    expect(isRunning(stranger)).toBe(true);
  });
});
