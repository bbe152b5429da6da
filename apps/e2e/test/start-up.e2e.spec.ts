import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ChildApp, eventually, TcpProxy, TEST_JWT_SECRET } from '@rejoin/testing';
import { System } from './system.ts';

jest.setTimeout(120_000);

let system: System;
beforeAll(async () => {
  system = await System.start({ gateways: 0, workers: 0 });
  await system.startWorker();
});
afterAll(() => system.stop());

/** What a process writes before it ends instead of starting. */
async function endOf(app: string, env: Readonly<Record<string, string>>): Promise<string> {
  const started = ChildApp.start({
    app,
    readyTimeoutMs: 60_000,
    env: {
      REDIS_URL: system.redis.url,
      REJOIN_PREFIX: system.keys.prefix,
      JWT_SECRET: TEST_JWT_SECRET,
      PORT: '0',
      OPS_PORT: '0',
      ...env,
    },
  });
  return started.then(
    async (running) => {
      await running.stop();
      throw new Error(`${app} started with ${JSON.stringify(env)}`);
    },
    (error: unknown) => (error as Error).message,
  );
}

describe('a process', () => {
  it.each(['gateway', 'worker', 'ops'])('%s refuses to start with another partition count', async (app) => {
    const end = await endOf(app, { REJOIN_PARTITIONS: '4' });
    expect(end).toContain('ended with code 78');
    expect(end).toContain('REJOIN_PARTITIONS is 4, but this installation was first started with 8');
  });

  it.each([
    ['gateway', 'PORT', '65536', 'PORT must be a whole number from 0 to 65535, not "65536"'],
    ['gateway', 'REPLAY_WINDOW', '1 day', 'REPLAY_WINDOW must be a duration'],
    ['gateway', 'ALLOWED_ORIGINS', 'example.com', 'ALLOWED_ORIGINS must list exact origins'],
    ['gateway', 'JWT_SECRET', '', 'JWT_SECRET'],
    ['worker', 'REDIS_URL', 'http://127.0.0.1', 'REDIS_URL unknown scheme "http://"'],
    ['worker', 'REPLAY_MAX_BYTES', 'much', 'REPLAY_MAX_BYTES must be an amount of memory'],
    ['worker', 'AUDIENCE_RULES', '/nowhere/rules.json', 'AUDIENCE_RULES'],
    ['ops', 'REJOIN_PREFIX', 'a:b', 'REJOIN_PREFIX must consist of'],
  ])('%s ends with code 78 where %s is "%s", and says so', async (app, variable, value, message) => {
    const end = await endOf(app, { [variable]: value });
    expect(end).toContain('ended with code 78');
    expect(end).toContain(message);
  });

  it('names every bad variable at once, and every bad rule', async () => {
    const rules = join(system.redis.directory, 'rules.json');
    writeFileSync(rules, JSON.stringify({ rules: [{ type: 'order.*', audience: ['everybody', 'user:{data'] }] }));
    const end = await endOf('worker', { PORT: 'x', REJOIN_PARTITIONS: '0', AUDIENCE_RULES: rules });
    for (const name of ['PORT', 'REJOIN_PARTITIONS', 'AUDIENCE_RULES', 'rules[0].audience[1]']) {
      expect(end).toContain(name);
    }
  });

  it.each(['gateway', 'worker'])('%s that is started while Redis is away starts when it is back', async (app) => {
    const proxy = await TcpProxy.start(system.redis.url);
    try {
      proxy.refuse();
      const starting = system.startApp(app, { REDIS_URL: proxy.url });
      // It has failed some times by then, and goes on.
      await Promise.race([starting, eventually(() => proxy.refusals >= 10, { timeoutMs: 60_000 })]);
      expect(proxy.refusals).toBeGreaterThanOrEqual(10);
      proxy.resume();
      const started = await starting;
      await eventually(async () => expect((await fetch(`${started.url}/health/ready`)).status).toBe(200), {
        timeoutMs: 60_000,
      });
      await system.stopApp(started);
    } finally {
      await proxy.stop();
    }
  });
});
