import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PartitionCountMismatchError } from '@rejoin/redis';
import { InvalidConfigurationError, Lifecycle, silentLogger } from '@rejoin/runtime';
import { eventually, startTestRedis, TcpProxy, testRedis } from '@rejoin/testing';
import { startWorker } from '../src/worker-app.ts';
import { expectDelivered, numbered, PARTITIONS, TestInstallation } from './running-worker.ts';

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

describe('stopping', () => {
  test('finishes the batch at hand, gives everything back, and is the same when repeated', async () => {
    const { client, keys, home } = installation;
    const worker = await installation.startWorker({ bounds: { maxEntries: 10 } });
    await installation.append(...numbered(5_000));
    await eventually(() => expect(worker.counters.delivered).toBeGreaterThan(100));
    await Promise.all([worker.stop(), worker.stop()]);
    const { delivered } = worker.counters;
    expect(delivered).toBeLessThan(5_000);
    expectDelivered(await installation.feed(), numbered(delivered));
    expect(await client.xpending(home.events, 'bridge')).toEqual([0, null, null, null]);
    expect(await client.exists(keys.workers, home.lease)).toBe(0);
    expect(worker.health().ready).toBe(false);
  });

  test.each(['refuse', 'stall'] as const)('does not wait for a Redis that stays away (proxy: %s)', async (fault) => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      const worker = await installation.startWorker({ redisUrl: proxy.url });
      await eventually(() => expect(worker.owned).toHaveLength(PARTITIONS));
      proxy[fault]();
      // Nobody ends the fault: whoever waited for Redis would wait for longer than this test may take.
      await worker.stop(500);
      expect(worker.owned).toEqual([]);
      expect(worker.health().ready).toBe(false);
    } finally {
      await proxy.stop();
    }
  });
});

describe('starting', () => {
  test('waits for Redis, and takes part once it is there', async () => {
    const redis = await startTestRedis({ listen: 'tcp' });
    const own = await TestInstallation.open(redis.url);
    try {
      await redis.kill();
      const worker = own.createWorker();
      const started = worker.start();
      await eventually(() => expect(worker.health().ready).toBe(false));
      await redis.restart();
      await started;
      await eventually(() => expect(worker.health().ready).toBe(true));
    } finally {
      await own.close();
      await redis.stop();
    }
  });

  test('ends where it is stopped before Redis is there', async () => {
    const nobody = await listen(createServer((socket) => socket.destroy()));
    const worker = installation.createWorker({ redisUrl: `redis://127.0.0.1:${nobody.port}` });
    const started = worker.start();
    await worker.stop();
    await expect(started).rejects.toThrow('stopped before it was started');
    await nobody.close();
  });

  test('refuses another partition count than the installation’s', async () => {
    await expect(installation.startWorker({ partitions: PARTITIONS + 1 })).rejects.toThrow(PartitionCountMismatchError);
  });
});

describe('the process', () => {
  function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return { REDIS_URL: testRedis(), REJOIN_PREFIX: installation.keys.prefix, PORT: '0', ...more };
  }

  function start(lifecycle: Lifecycle, more?: NodeJS.ProcessEnv): ReturnType<typeof startWorker> {
    return startWorker({ environment: environment(more), lifecycle, logger: silentLogger() });
  }

  test('tells its health over HTTP', async () => {
    const lifecycle = new Lifecycle();
    try {
      const { url } = await start(lifecycle);
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200));
      const report = (await (await fetch(`${url}/health/ready`)).json()) as object;
      expect(report).toMatchObject({ ready: true, checks: { redis: { ready: true }, leases: { ready: true } } });
    } finally {
      await lifecycle.stop();
    }
  });

  test('resolves audiences by the configured rules', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rejoin-worker-'));
    const rules = join(directory, 'rules.json');
    writeFileSync(rules, JSON.stringify({ rules: [{ type: '*', audience: ['role:{data.role}'] }] }));
    const lifecycle = new Lifecycle();
    try {
      await start(lifecycle, { AUDIENCE_RULES: rules });
      const [id] = await installation.append({ id: 'a', audience: undefined, data: { role: 'clerk' } });
      await installation.handled(id as string);
      expect((await installation.feed())[0]?.rooms).toEqual(['acme:role%3Aclerk']);
    } finally {
      await lifecycle.stop();
      rmSync(directory, { recursive: true });
    }
  });

  test.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['rules that cannot be read', { AUDIENCE_RULES: '/nowhere/rules.json' }, /AUDIENCE_RULES .*\/nowhere\/rules\.json/],
    ['a bad window', { REPLAY_WINDOW: 'soon' }, /REPLAY_WINDOW must be a duration/],
    ['another partition count', { REJOIN_PARTITIONS: '7' }, /REJOIN_PARTITIONS is 7/],
  ])('refuses to start with %s, by the variable’s name', async (_, more, message) => {
    const lifecycle = new Lifecycle();
    try {
      const started = start(lifecycle, more);
      await expect(started).rejects.toThrow(InvalidConfigurationError);
      await expect(started).rejects.toThrow(message);
    } finally {
      await lifecycle.stop();
    }
  });
});

async function listen(server: Server): Promise<{ port: number; close(): Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    close: () => new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve()))),
  };
}
