import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { roomOf } from '@rejoin/protocol';
import { ChildApp, eventually, testRedis } from '@rejoin/testing';
import { TENANT, TestInstallation } from './running-worker.ts';

jest.setTimeout(120_000);

const RESOLVERS = fileURLToPath(new URL('fixtures/resolvers.mjs', import.meta.url));

let installation: TestInstallation;
beforeEach(async () => {
  installation = await TestInstallation.open();
});
afterEach(() => installation.close());

function startWorker(resolvers: string): Promise<ChildApp> {
  const env = { REDIS_URL: testRedis(), REJOIN_PREFIX: installation.keys.prefix, PORT: '0' };
  return ChildApp.start({ app: 'worker', env: { ...env, AUDIENCE_RESOLVERS: resolvers }, readyTimeoutMs: 60_000 });
}

test('resolvers of the file AUDIENCE_RESOLVERS are asked, and what they refuse is dead-lettered', async () => {
  const worker = await startWorker(RESOLVERS);
  try {
    await installation.append(
      { id: 'e1', type: 'invoice.sent', subject: 'u-7', audience: undefined as never },
      { id: 'e2', type: 'invoice.lost', audience: undefined as never },
      { id: 'e3' },
    );
    const feed = await eventually(
      async () => {
        const entries = await installation.feed();
        return entries.length === 2 ? entries : null;
      },
      { timeoutMs: 60_000, intervalMs: 50 },
    );
    expect(feed.map(({ event, rooms }) => [event.id, rooms])).toEqual([
      ['e1', [roomOf(TENANT, { kind: 'user', id: 'u-7' })]],
      ['e3', [roomOf(TENANT, { kind: 'tenant' })]],
    ]);
    expect(await installation.deadLetters()).toMatchObject([{ code: 'RESOLVER_REFUSED' }]);
  } finally {
    await worker.stop();
  }
});

test('a worker whose resolvers cannot be loaded ends with the variable’s name', async () => {
  await expect(startWorker('/nowhere/resolvers.mjs')).rejects.toThrow(
    /ended with code 78[\s\S]*AUDIENCE_RESOLVERS: [\s\S]*\/nowhere\/resolvers\.mjs/,
  );
});
