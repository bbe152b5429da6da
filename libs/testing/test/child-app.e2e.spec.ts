import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ChildApp, type ChildAppOptions, eventually } from '../src/index.ts';

const entry = fileURLToPath(new URL('fixtures/app.mjs', import.meta.url));
const apps: ChildApp[] = [];

async function start(options: Partial<ChildAppOptions> = {}): Promise<ChildApp> {
  const app = await ChildApp.start({ app: 'stand-in', entry, ...options });
  apps.push(app);
  return app;
}

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop(100)));
});

describe('a child app', () => {
  it('serves at its URL as soon as it is started, with the given environment and no other', async () => {
    const app = await start({ env: { PORT: '0' } });
    const environment = (await (await fetch(app.url)).json()) as Record<string, string>;
    expect(environment).toMatchObject({ PORT: '0', PATH: process.env.PATH });
    expect(Object.keys(environment)).not.toContain('REJOIN_TEST_REDIS_URL');
  });

  it('has its output at hand, log lines as objects', async () => {
    const app = await start();
    await eventually(() => app.lines.length === 2);
    expect(app.lines).toEqual([
      { stream: 'stdout', text: '{"level":30,"msg":"listening"}', json: { level: 30, msg: 'listening' } },
      { stream: 'stdout', text: '{not json', json: null },
    ]);
  });

  it('stops in an orderly way', async () => {
    const app = await start();
    expect(app.running).toBe(true);
    expect(await app.stop()).toEqual({ code: 0, signal: null });
    expect(app.running).toBe(false);
    expect(app.lines.at(-1)?.json).toMatchObject({ msg: 'stopping' });
    expect(await app.stop()).toEqual({ code: 0, signal: null });
  });

  it('is killed where it does not stop', async () => {
    const app = await start({ env: { FAULT: 'deaf' } });
    expect(await app.stop(50)).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('can be killed at once', async () => {
    const app = await start();
    app.kill();
    expect(await app.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('that dies before it is ready fails with its exit code and its words', async () => {
    await expect(start({ env: { FAULT: 'dies' } })).rejects.toThrow(
      'stand-in ended with code 78 before it was ready\n  the disk is on fire',
    );
  });

  it('that is not ready in time fails, and does not live on', async () => {
    await expect(start({ env: { FAULT: 'late' }, readyTimeoutMs: 500 })).rejects.toThrow('was not ready within 500 ms');
  });
});
