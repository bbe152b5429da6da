import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { findRedisServer } from '../src/index.ts';

const folders: string[] = [];

async function folderWith(name: string, output: string, mode = 0o755): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rejoin-path-'));
  folders.push(folder);
  await writeFile(join(folder, name), `#!/bin/sh\necho '${output}'\n`, { mode });
  return folder;
}

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

describe('the server program', () => {
  it('is the first of a sufficient version on the search path', async () => {
    const old = await folderWith('redis-server', 'Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64');
    const current = await folderWith('redis-server', 'Redis server v=7.4.1 sha=00000000:0 malloc=libc bits=64');
    expect(await findRedisServer(['', '/nowhere', old, current].join(delimiter), '')).toEqual({
      path: join(current, 'redis-server'),
      version: '7.4.1',
    });
  });

  it('may be Valkey', async () => {
    const folder = await folderWith('valkey-server', 'Server v=8.0.1 sha=00000000:0 malloc=libc bits=64');
    expect(await findRedisServer(folder, '')).toEqual({ path: join(folder, 'valkey-server'), version: '8.0.1' });
  });

  it('is the one that is named, whatever the search path holds, or none', async () => {
    const old = await folderWith('redis-server', 'Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64');
    const first = await folderWith('redis-server', 'Redis server v=7.4.1 sha=00000000:0 malloc=libc bits=64');
    const named = join(await folderWith('valkey-server', 'Valkey server v=9.1.2 sha=00000000:1'), 'valkey-server');
    expect(await findRedisServer(first, named)).toEqual({ path: named, version: '9.1.2' });
    for (const useless of ['/nowhere', join(old, 'redis-server')]) {
      await expect(findRedisServer(first, useless)).rejects.toMatchObject({
        code: 'REDIS_NOT_FOUND',
        message: expect.stringContaining(`REDIS_SERVER is ${useless}`),
      });
    }
  });

  it('is none where what bears the name is old, is something else, or is not executable', async () => {
    const path = [
      await folderWith('redis-server', 'Redis server v=6.0.16 sha=00000000:0'),
      await folderWith('redis-server', 'hello'),
      await folderWith('redis-server', 'Redis server v=7.0.0 sha=00000000:0', 0o644),
    ];
    expect(await findRedisServer(path.join(delimiter), '')).toBeNull();
    expect(await findRedisServer('', '')).toBeNull();
  });
});
