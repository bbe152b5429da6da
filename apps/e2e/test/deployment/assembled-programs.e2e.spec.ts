import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ChildApp, eventually, TEST_JWT_SECRET, testRedis, uniquePrefix } from '@rejoin/testing';
import { pathOf } from './repository.ts';

jest.setTimeout(120_000);

/** What the Dockerfile copies into the image, in a folder that has nothing of the repository above it. */
let parent: string;
let folder: string;
beforeAll(() => {
  parent = mkdtempSync(join(realpathSync(tmpdir()), 'rejoin-image-'));
  folder = join(parent, 'app');
  const { status, stdout, stderr } = spawnSync(process.execPath, [pathOf('scripts/assemble.mjs'), folder], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe('what a container runs', () => {
  it.each(['gateway', 'worker', 'ops', 'demo'])('starts as %s, is healthy, and stops in time', async (app) => {
    const started = await ChildApp.start({
      app,
      entry: join(folder, `dist/${app}.js`),
      readyTimeoutMs: 60_000,
      env: {
        NODE_ENV: 'production',
        REDIS_URL: testRedis(),
        REJOIN_PREFIX: uniquePrefix(),
        JWT_SECRET: TEST_JWT_SECRET,
        PORT: '0',
        OPS_PORT: '0',
        DEMO_PORT: '0',
      },
    });
    try {
      const healthy = (port: string) =>
        spawnSync(process.execPath, [pathOf('deploy/container/healthy.mjs')], {
          env: { PATH: process.env.PATH, PORT: '1', HEALTH_PORT: port },
        }).status;
      // Ready to be asked is not yet healthy: a container's check is repeated, too.
      await eventually(() => expect(healthy(new URL(started.url).port)).toBe(0));
      expect(healthy('1')).toBe(1);
    } finally {
      expect(await started.stop(10_000)).toEqual({ code: 0, signal: null });
    }
  });

  it('has every package under its own folder, and none that is for development alone', () => {
    const lock = JSON.parse(readFileSync(pathOf('package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean }>;
    };
    const packages = Object.keys(lock.packages).filter((path) => path.includes('node_modules/'));
    const present = packages.filter((path) => existsSync(join(folder, path)));
    expect(present.length).toBeGreaterThan(100);
    expect(present.filter((path) => lock.packages[path]?.dev)).toEqual([]);
    const apps = readdirSync(join(folder, 'apps'));
    expect(apps).toEqual(expect.arrayContaining(['demo', 'gateway', 'ops', 'worker']));
    expect(apps.filter((app) => ['bench', 'e2e', 'stack'].includes(app))).toEqual([]);
    const strangers = present.filter((path) => !realpathSync(join(folder, path)).startsWith(`${folder}/`));
    expect(strangers).toEqual([]);
  });
});
