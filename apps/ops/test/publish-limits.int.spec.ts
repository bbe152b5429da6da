import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MAX_EVENT_BYTES, partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { eventually, TcpProxy, testRedis, tokenFor } from '@rejoin/testing';
import { problem, RunningOps, SERVICE } from './running-ops.ts';

const event = (id: string, tenantid = 'acme') => ({
  specversion: '1.0',
  id,
  source: '/orders',
  type: 'order.paid',
  tenantid,
  time: '2026-01-31T12:00:00Z',
});
/** A tenant in another partition than `acme`. */
const ELSEWHERE = 'globex';

let client: RedisClient;
let ops: RunningOps | undefined;
const start = async (environment: Readonly<Record<string, string>> = {}) => {
  ops = await RunningOps.start(environment);
  return ops;
};
const keysOf = (running: RunningOps, tenantid: string) => keyspace(running.prefix).partition(partitionOf(tenantid, 8));

beforeEach(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'ops-test', onError: (error) => console.error(error) });
});
afterEach(async () => {
  await ops?.stop();
  ops = undefined;
  disconnect(client);
});

/** A request whose body is sent bit by bit, without a length. */
function openRequest(running: RunningOps) {
  const request = httpRequest(`${running.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SERVICE}`, 'content-type': 'application/json' },
  });
  const answer = (once(request, 'response') as Promise<[IncomingMessage]>).then(async ([response]) => ({
    status: response.statusCode,
    contentType: response.headers['content-type'],
    headers: response.headers,
    body: JSON.parse(await text(response)),
  }));
  return { request, answer };
}

describe('the size of an event', () => {
  test('may be 64 KiB to the byte, and not one more', async () => {
    const running = await start();
    const exact = { ...event('o-1'), data: '' };
    exact.data = 'x'.repeat(MAX_EVENT_BYTES - Buffer.byteLength(JSON.stringify(exact)));
    expect(await running.publish(exact)).toMatchObject({ status: 202 });
    const over = await running.publish({ ...exact, id: 'o-2', data: `${exact.data}x` });
    expect(over).toMatchObject(problem(413, 'EVENT_TOO_LARGE'));
    const batch = await running.publish([event('o-3'), { ...exact, id: 'o-2', data: `${exact.data}x` }]);
    expect(batch).toMatchObject(problem(413, 'EVENT_TOO_LARGE'));
    expect(batch.body.errors[0].path).toBe('[1]');
    expect(await client.xlen(keysOf(running, 'acme').events)).toBe(1);
  });

  test('is counted in bytes of the stored JSON, not in characters or white space', async () => {
    const running = await start();
    const wide = { ...event('o-1'), data: 'ä'.repeat(MAX_EVENT_BYTES / 2) };
    expect(await running.publish(wide)).toMatchObject(problem(413, 'EVENT_TOO_LARGE'));
    const spaced = `${' '.repeat(MAX_EVENT_BYTES)}${JSON.stringify(event('o-2'), null, 40)}`;
    expect(await running.publish(spaced)).toMatchObject({ status: 202 });
  });
});

describe('the size of a body', () => {
  test('beyond the limit is refused, announced or not, and the answer arrives', async () => {
    const running = await start({ OPS_MAX_BODY: '100kb' });
    const large = ' '.repeat(5_000_000);
    expect(await running.publish(large)).toMatchObject(problem(413, 'EVENT_TOO_LARGE'));
    const { request, answer } = openRequest(running);
    for (let sent = 0; sent < 50; sent++) request.write(' '.repeat(100_000));
    request.end();
    expect(await answer).toMatchObject(problem(413, 'EVENT_TOO_LARGE'));
    expect(await running.publish(event('o-1'))).toMatchObject({ status: 202 });
  });

  test('is no way around the limit when compressed', async () => {
    const running = await start();
    const bomb = gzipSync(Buffer.alloc(10_000_000, ' '));
    for (const encoding of ['gzip', 'br', 'deflate', 'x-unknown', 'gzip, gzip']) {
      const answer = await running.publish(bomb, { headers: { 'content-encoding': encoding } });
      expect(answer).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
      expect(answer.headers.get('accept-encoding')).toBe('identity');
    }
    const plain = await running.publish(event('o-1'), { headers: { 'content-encoding': 'identity' } });
    expect(plain).toMatchObject({ status: 202 });
  });

  test('counts over all requests that are being read', async () => {
    const running = await start({ OPS_MAX_BODY: '100kb', OPS_MAX_BODIES: '120kb' });
    const slow = openRequest(running);
    slow.request.write(' '.repeat(90_000));
    const body = `${' '.repeat(60_000)}${JSON.stringify(event('o-1'))}`;
    const refused = await eventually(async () => {
      const answer = await running.publish(body);
      return answer.status === 503 && answer;
    });
    expect(refused).toMatchObject(problem(503, 'OVERLOADED'));
    expect(refused.headers.get('retry-after')).toBe('1');
    slow.request.end(JSON.stringify(event('o-2')));
    expect(await slow.answer).toMatchObject({ status: 202 });
    expect(await running.publish(body)).toMatchObject({ status: 202 });
  });

  test('is given back when the client goes away', async () => {
    const running = await start({ OPS_MAX_BODY: '100kb', OPS_MAX_BODIES: '120kb' });
    const { request, answer } = openRequest(running);
    request.write(' '.repeat(90_000));
    const body = `${' '.repeat(60_000)}${JSON.stringify(event('o-1'))}`;
    await eventually(async () => (await running.publish(body)).status === 503);
    request.destroy();
    await expect(answer).rejects.toThrow('socket hang up');
    await eventually(async () => (await running.publish(body)).status === 202);
  });
});

describe('a full partition', () => {
  test('answers 429 with when to come back, and leaves other tenants alone', async () => {
    const running = await start({ OPS_MAX_BACKLOG: '2' });
    await running.publish([event('o-1'), event('o-2')]);
    const answer = await running.publish(event('o-3'));
    expect(answer).toMatchObject(problem(429, 'BACKLOG_FULL'));
    expect(answer.body.reason).toBe('backlog');
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await running.publish(event('o-3', ELSEWHERE))).toMatchObject({ status: 202 });
  });

  test('says so where it is memory that is short', async () => {
    const running = await start();
    await client.set(keysOf(running, 'acme').full, 'used_memory', 'PX', 60_000);
    const answer = await running.publish(event('o-1'));
    expect(answer).toMatchObject(problem(429, 'BACKLOG_FULL'));
    expect(answer.body.reason).toBe('memory');
    expect(answer.headers.get('retry-after')).toBe('5');
  });

  test('that takes a part of a batch says how much, and repeating completes it', async () => {
    const running = await start();
    await client.set(keysOf(running, ELSEWHERE).full, 'used_memory');
    const events = [event('o-1'), event('o-2', ELSEWHERE), event('o-3')];
    const answer = await running.publish(events);
    expect(answer).toMatchObject(problem(429, 'BACKLOG_FULL'));
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(answer.body).toMatchObject({
      accepted: 2,
      total: 3,
      results: [{ id: 'o-1', duplicate: false }, { code: 'BACKLOG_FULL' }, { id: 'o-3', duplicate: false }],
    });
    await client.del(keysOf(running, ELSEWHERE).full);
    const repeated = await running.publish(events);
    expect(repeated.body.results).toMatchObject([{ duplicate: true }, { duplicate: false }, { duplicate: true }]);
  });
});

describe('without Redis', () => {
  let proxy: TcpProxy;
  beforeEach(async () => {
    proxy = await TcpProxy.start(testRedis());
  });
  afterEach(async () => {
    // The app is stopped while Redis is reachable again.
    proxy.resume();
    await ops?.stop();
    await proxy.stop();
  });

  test('answers 503 fast, is not ready but alive, and recovers', async () => {
    const running = await start({ REDIS_URL: proxy.url });
    expect(await eventually(async () => (await running.request('/health/ready')).status === 200)).toBe(true);
    proxy.refuse();
    const answer = await running.publish(event('o-1'));
    expect(answer).toMatchObject(problem(503, 'STREAM_UNAVAILABLE'));
    expect(answer.headers.get('retry-after')).toBe('1');
    const notReady = await eventually(async () => {
      const health = await running.request('/health/ready');
      return health.status === 503 && health;
    });
    expect(notReady.body).toMatchObject({
      ready: false,
      checks: { redis: { ready: false, detail: expect.any(String) } },
    });
    expect(await running.request('/health/live')).toMatchObject({ status: 200 });
    proxy.resume();
    await eventually(async () => (await running.publish(event('o-2'))).status === 202);
    await eventually(async () => (await running.request('/health/ready')).status === 200);
  });

  test('starts, and serves once Redis is there', async () => {
    proxy.refuse();
    const running = await start({ REDIS_URL: proxy.url });
    expect(await running.publish(event('o-1'))).toMatchObject(problem(503, 'STREAM_UNAVAILABLE'));
    expect(await running.request('/health/ready')).toMatchObject({ status: 503 });
    proxy.resume();
    await eventually(async () => (await running.publish(event('o-1'))).status === 202);
  });

  test('notices a Redis that is silent', async () => {
    const running = await start({ REDIS_URL: proxy.url });
    await eventually(async () => (await running.request('/health/ready')).status === 200);
    proxy.stall();
    await eventually(async () => (await running.request('/health/ready')).status === 503);
    proxy.resume();
    await eventually(async () => (await running.request('/health/ready')).status === 200);
  });
});

test('says to come again where the keys that check tokens cannot be fetched', async () => {
  // Nobody listens at port 9 ("discard").
  const running = await start({ JWT_SECRET: '', JWT_JWKS_URL: 'http://127.0.0.1:9/jwks.json' });
  const token = tokenFor({ sub: 'orders', scope: 'events:publish', header: { alg: 'RS256', kid: 'k' } });
  const answer = await running.publish(event('o-1'), { token });
  expect(answer).toMatchObject(problem(503, 'KEYS_UNAVAILABLE'));
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await client.exists(keysOf(running, 'acme').events)).toBe(0);
});

describe('starting', () => {
  test.each([
    ['JWT_PUBLIC_KEY', { JWT_SECRET: '', JWT_PUBLIC_KEY: 'no key' }],
    ['JWT_SECRET and JWT_JWKS_URL', { JWT_JWKS_URL: 'https://id.example.com/' }],
    ['JWT_CLOCK_TOLERANCE', { JWT_CLOCK_TOLERANCE: '2m' }],
    ['JWT_SECRET', { JWT_SECRET: '' }],
    ['OPS_PORT', { OPS_PORT: '99999' }],
    ['OPS_MAX_BODY', { OPS_MAX_BODY: 'much' }],
    ['OPS_MAX_BACKLOG', { OPS_MAX_BACKLOG: '0' }],
  ])('names %s where it is bad', async (name, environment) => {
    await expect(start(environment)).rejects.toThrow(name);
  });

  test('refuses another partition count than the installation’s', async () => {
    const running = await start({ REJOIN_PARTITIONS: '4' });
    const other = RunningOps.start({ REJOIN_PREFIX: running.prefix, REJOIN_PARTITIONS: '5' });
    await expect(other).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
  });
});

test('stopping lets a request under way finish', async () => {
  const running = await start();
  const { request, answer } = openRequest(running);
  request.write(JSON.stringify([event('o-1')]).slice(0, 20));
  // Its socket must be known to the server, or there is nothing to wait for.
  await once(request, 'socket');
  await running.publish(event('o-0'));
  const stopped = running.stop();
  request.end(JSON.stringify([event('o-1')]).slice(20));
  expect(await answer).toMatchObject({ status: 202 });
  await stopped;
  await expect(fetch(`${running.url}/health/live`)).rejects.toThrow('fetch failed');
});

describe('the rate of publishing', () => {
  const events = (count: number, tenantid: string) =>
    Array.from({ length: count }, (_, n) => event(`r-${n}`, tenantid));
  const token = (jti: string, tenant?: string) =>
    tokenFor({ sub: 'orders', scope: 'events:publish', claims: { jti }, ...(tenant ? { tenant } : {}) });

  test('of one token is limited, over all processes, with the time to wait', async () => {
    const running = await start({ EVENTS_PER_TOKEN: '1000' });
    expect(await running.publish(events(1_000, 'acme'), { token: token('a') })).toMatchObject({ status: 202 });
    const refused = await running.publish(event('one-more', ELSEWHERE), { token: token('a') });
    expect(refused).toMatchObject(problem(429, 'RATE_LIMITED'));
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await running.publish(event('another'), { token: token('b') })).toMatchObject({ status: 202 });
    const second = await RunningOps.start({ EVENTS_PER_TOKEN: '1000', REJOIN_PREFIX: running.prefix });
    try {
      const again = await second.publish(event('elsewhere'), { token: token('a') });
      expect(again).toMatchObject(problem(429, 'RATE_LIMITED'));
    } finally {
      await second.stop();
    }
  });

  test('for one tenant is limited, whoever publishes, and no other tenant waits for it', async () => {
    const running = await start({ EVENTS_PER_TENANT: '1000' });
    expect(await running.publish(events(1_000, 'acme'), { token: token('a') })).toMatchObject({ status: 202 });
    expect(await running.publish(event('b-1'), { token: token('b', 'acme') })).toMatchObject(
      problem(429, 'RATE_LIMITED'),
    );
    expect(await running.publish(event('b-2', ELSEWHERE), { token: token('a') })).toMatchObject({ status: 202 });
  });
});
