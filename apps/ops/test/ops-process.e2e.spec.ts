import { expect, test } from '@jest/globals';
import { ChildApp, TEST_JWT_SECRET, testRedis, uniquePrefix } from '@rejoin/testing';
import { SERVICE } from './running-ops.ts';

const environment = () => ({
  REDIS_URL: testRedis(),
  REJOIN_PREFIX: uniquePrefix(),
  JWT_SECRET: TEST_JWT_SECRET,
  OPS_PORT: '0',
});

test('the ops process says when it is ready, publishes, and ends cleanly on SIGTERM', async () => {
  const app = await ChildApp.start({ app: 'ops', env: environment() });
  try {
    const response = await fetch(`${app.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SERVICE}`, 'content-type': 'application/json' },
      body: JSON.stringify({ specversion: '1.0', id: 'o-1', source: '/o', type: 'order.paid', tenantid: 'acme' }),
    });
    expect(response.status).toBe(202);
    expect(await app.stop()).toEqual({ code: 0, signal: null });
    expect(app.lines.filter(({ stream }) => stream === 'stderr')).toEqual([]);
    expect(app.lines.every(({ json }) => json !== null)).toBe(true);
  } finally {
    app.kill();
  }
});

test('the ops process ends with code 78 and a message where its configuration is bad', async () => {
  const { JWT_SECRET: _, ...withoutKey } = environment();
  await expect(ChildApp.start({ app: 'ops', env: withoutKey })).rejects.toThrow(/ended with code 78[\s\S]*JWT_SECRET/);
});

test('the ops process warns of a short secret', async () => {
  const app = await ChildApp.start({ app: 'ops', env: { ...environment(), JWT_SECRET: 'short' } });
  expect(app.lines.some(({ text }) => text.includes('JWT_SECRET has 5 bytes'))).toBe(true);
  await app.stop();
});
