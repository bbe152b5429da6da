import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseCursor, partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace } from '@rejoin/redis';
import { testRedis, tokenFor } from '@rejoin/testing';
import { problem, RunningOps, SERVICE } from './running-ops.ts';

const client = connect({
  url: testRedis(),
  use: 'commands',
  name: 'ops-test',
  onError: (error) => console.error(error),
});
let ops: RunningOps;
let serial = 0;
/** A tenant that no other test uses, and what was stored for it. */
const newTenant = () => `tenant-${++serial}`;
const event = (id: string, tenantid: string) => ({
  specversion: '1.0',
  id,
  source: '/orders',
  type: 'order.paid',
  tenantid,
});
const keysOf = (tenantid: string) => keyspace(ops.prefix).partition(partitionOf(tenantid, 8));
const storedIds = async (tenantid: string) =>
  (await client.xrange(keysOf(tenantid).events, '-', '+'))
    .map(([, fields]) => JSON.parse(fields[1] as string) as { id: string; tenantid: string })
    .filter((stored) => stored.tenantid === tenantid)
    .map(({ id }) => id);

beforeAll(async () => {
  ops = await RunningOps.start();
});
afterAll(async () => {
  await ops.stop();
  disconnect(client);
});

describe('publishing', () => {
  test('one event answers 202 with its id and its position', async () => {
    const tenant = newTenant();
    const { status, headers, body } = await ops.publish({ ...event('o-1', tenant), data: { amount: 5 } });
    expect(status).toBe(202);
    expect(headers.get('content-type')).toMatch('application/json');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(body).toEqual({ results: [{ id: 'o-1', cursor: expect.any(String), duplicate: false }] });
    expect(parseCursor(body.results[0].cursor)).toMatchObject({ partition: partitionOf(tenant, 8) });
    expect(await storedIds(tenant)).toEqual(['o-1']);
  });

  test('a batch answers one result for each event, in order', async () => {
    const tenants = [newTenant(), newTenant(), newTenant()];
    const events = Array.from({ length: 30 }, (_, index) => event(`o-${index}`, tenants[index % 3] as string));
    const { status, body } = await ops.publish(events, { contentType: 'application/cloudevents-batch+json' });
    expect(status).toBe(202);
    expect(body.results.map(({ id }: { id: string }) => id)).toEqual(events.map(({ id }) => id));
    expect(await storedIds(tenants[1] as string)).toEqual(
      events.filter((_, index) => index % 3 === 1).map(({ id }) => id),
    );
  });

  test.each([
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    'application/json',
    'Application/JSON; Charset="UTF-8"',
    'application/cloudevents+json;charset=utf-8',
  ])('takes %s', async (contentType) => {
    expect(await ops.publish(event('o-1', newTenant()), { contentType })).toMatchObject({ status: 202 });
  });

  test('an empty batch is accepted', async () => {
    expect(await ops.publish([])).toMatchObject({ status: 202, body: { results: [] } });
  });

  test('the same event again is answered as a duplicate, with the first one’s position', async () => {
    const tenant = newTenant();
    const first = await ops.publish(event('o-1', tenant));
    const again = await ops.publish([event('o-1', tenant), event('o-2', tenant), event('o-2', tenant)]);
    expect(again.body.results).toMatchObject([
      { id: 'o-1', cursor: first.body.results[0].cursor, duplicate: true },
      { id: 'o-2', duplicate: false },
      { id: 'o-2', duplicate: true },
    ]);
    expect(await storedIds(tenant)).toEqual(['o-1', 'o-2']);
  });

  test('1,000 events are a batch, 1,001 are too many', async () => {
    const tenant = newTenant();
    const events = Array.from({ length: 1_001 }, (_, index) => event(`o-${index}`, tenant));
    expect(await ops.publish(events)).toMatchObject(problem(400, 'INVALID_EVENT'));
    expect(await storedIds(tenant)).toEqual([]);
    expect((await ops.publish(events.slice(0, 1_000))).body.results).toHaveLength(1_000);
    expect(await storedIds(tenant)).toEqual(events.slice(0, 1_000).map(({ id }) => id));
  });

  test('sets the time of an event that has none', async () => {
    const tenant = newTenant();
    await ops.publish(event('o-1', tenant));
    const [[, fields]] = (await client.xrange(keysOf(tenant).events, '-', '+', 'COUNT', 1)) as [[string, string[]]];
    expect(Date.parse(JSON.parse(fields[1] as string).time)).toBeGreaterThan(Date.now() - 60_000);
  });
});

describe('a token', () => {
  const tokens = (tenant: string) => ({
    'for another use': tokenFor({ sub: 'orders', scope: 'ops:read' }),
    'of a user': tokenFor({ sub: 'u-1', tenant }),
  });

  test('is required', async () => {
    const answer = await ops.publish(event('o-1', newTenant()), { token: null });
    expect(answer).toMatchObject(problem(401, 'AUTH_REQUIRED'));
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="rejoin"');
    const basic = await ops.publish('{}', { token: null, headers: { authorization: 'Basic dTpw' } });
    expect(basic).toMatchObject(problem(401, 'AUTH_REQUIRED'));
  });

  test('must be valid', async () => {
    const forged = tokenFor({ sub: 'orders', scope: 'events:publish', secret: 'another secret, 32 bytes or more' });
    for (const token of [forged, 'x', tokenFor({ sub: 'orders', claims: { roles: 'all' } })]) {
      const answer = await ops.publish(event('o-1', newTenant()), { token });
      expect(answer).toMatchObject(problem(401, 'AUTH_INVALID'));
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer realm="rejoin", error="invalid_token", error_description="[^"]+"$/,
      );
    }
  });

  test('must not have expired', async () => {
    const token = tokenFor({ sub: 'orders', scope: 'events:publish', expiresInS: -10 });
    expect(await ops.publish('{}', { token })).toMatchObject(problem(401, 'AUTH_EXPIRED'));
  });

  test.each(Object.keys(tokens('')))('%s may not publish', async (kind) => {
    const tenant = newTenant();
    const token = tokens(tenant)[kind as keyof ReturnType<typeof tokens>];
    const answer = await ops.publish(event('o-1', tenant), { token });
    expect(answer).toMatchObject(problem(403, 'FORBIDDEN'));
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="rejoin", error="insufficient_scope", scope="events:publish"',
    );
    expect(await storedIds(tenant)).toEqual([]);
  });

  test('of a tenant publishes for that tenant alone', async () => {
    const [own, foreign] = [newTenant(), newTenant()];
    const token = tokenFor({ sub: 'orders', tenant: own, scope: 'events:publish' });
    expect(await ops.publish(event('o-1', own), { token })).toMatchObject({ status: 202 });
    const single = await ops.publish(event('o-2', foreign), { token });
    expect(single).toMatchObject(problem(403, 'TENANT_FORBIDDEN'));
    expect(single.body.errors).toEqual([{ path: 'tenantid', message: expect.any(String) }]);
    const batch = await ops.publish([event('o-2', own), event('o-3', foreign), event('o-4', own)], { token });
    expect(batch).toMatchObject(problem(403, 'TENANT_FORBIDDEN'));
    expect(batch.body.errors).toEqual([{ path: '[1].tenantid', message: expect.any(String) }]);
    expect([await storedIds(own), await storedIds(foreign)]).toEqual([['o-1'], []]);
  });
});

describe('a bad event', () => {
  test('names every bad field', async () => {
    const answer = await ops.publish({ ...event('', newTenant()), type: 7, time: 'yesterday' });
    expect(answer).toMatchObject(problem(400, 'INVALID_EVENT'));
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(['id', 'type', 'time']);
  });

  test('within a batch is named by its index, and nothing of the batch is stored', async () => {
    const tenant = newTenant();
    const events = [
      event('o-1', tenant),
      { ...event('o-2', tenant), tenantid: 7, type: '' },
      null,
      event('o-3', tenant),
    ];
    const answer = await ops.publish(events);
    expect(answer).toMatchObject(problem(400, 'INVALID_EVENT'));
    const paths = answer.body.errors.map(({ path }: { path: string }) => path);
    expect(new Set(paths)).toEqual(new Set(['[1].tenantid', '[1].type', '[2]']));
    expect(await storedIds(tenant)).toEqual([]);
  });

  test('without id or specversion is refused, not completed', async () => {
    const { id: _, specversion: __, ...rest } = event('', newTenant());
    const answer = await ops.publish(rest);
    expect(answer).toMatchObject(problem(400, 'INVALID_EVENT'));
    expect(answer.body.errors).toEqual([
      { path: 'specversion', message: 'is required' },
      { path: 'id', message: 'is required' },
    ]);
  });

  test.each(['7', '"text"', 'true', 'null', '[7]', '[[]]', '[null]'])('such as %s is refused', async (body) => {
    expect(await ops.publish(body)).toMatchObject(problem(400, 'INVALID_EVENT'));
  });

  test.each([
    ['unknown audience tokens', { audience: 'everybody' }],
    ['a null byte in an attribute', { id: 'o\u0000' }],
    ['a lone surrogate in an attribute', { subject: '\ud800' }],
    ['binary data', { data_base64: 'AAAA' }],
    ['a reserved type', { type: 'rejoin:ready' }],
    ['another specversion', { specversion: '0.3' }],
  ])('with %s is refused', async (_, change) => {
    expect(await ops.publish({ ...event('o-1', newTenant()), ...change })).toMatchObject(problem(400, 'INVALID_EVENT'));
  });

  test('lists at most a thousand problems, and says how many there are', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`BAD-${index}`, 1]));
    const answer = await ops.publish({ ...event('o-1', newTenant()), ...many });
    expect(answer).toMatchObject(problem(400, 'INVALID_EVENT'));
    expect(answer.body.errors).toHaveLength(1_000);
    expect(answer.body.errorCount).toBe(1_500);
  });
});

describe('a bad body', () => {
  test.each(['', '{', '{"a":1,}', 'nonsense', '{"id":"o-1"} trailing', '\u0000', '{"id":"a\u0000b"}'])(
    'that is not JSON is refused: %j',
    async (body) => {
      const answer = await ops.publish(body);
      expect(answer).toMatchObject(problem(400, 'INVALID_EVENT'));
      expect(answer.body.detail).toContain('not JSON');
    },
  );

  test('that is not UTF-8 is refused instead of being repaired', async () => {
    const tenant = newTenant();
    const good = Buffer.from(JSON.stringify({ ...event('o-1', tenant), data: 'Q' }));
    for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      const at = good.lastIndexOf('Q');
      const body = Buffer.concat([good.subarray(0, at), Buffer.from(bad), good.subarray(at + 1)]);
      const answer = await ops.publish(body);
      expect(answer).toMatchObject(problem(400, 'INVALID_EVENT'));
      expect(answer.body.detail).toContain('not UTF-8');
    }
    expect(await ops.publish(Buffer.from(good.toString(), 'utf16le'))).toMatchObject(problem(400, 'INVALID_EVENT'));
    expect(await storedIds(tenant)).toEqual([]);
  });

  test('nested deep does no harm', async () => {
    const tenant = newTenant();
    const withData = (data: string) => `${JSON.stringify(event('o-1', tenant)).slice(0, -1)},"data":${data}}`;
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(await ops.publish(withData(nested(100_000)))).toMatchObject(problem(400, 'INVALID_EVENT'));
    expect(await ops.publish(nested(100_000))).toMatchObject(problem(400, 'INVALID_EVENT'));
    for (const endless of [nested(7_000_000), withData(nested(7_000_000)), `[${'{},'.repeat(5_000_000)}{}]`]) {
      expect(await ops.publish(endless)).toMatchObject(problem(413, 'EVENT_TOO_LARGE'));
    }
    expect(await ops.publish(event('o-1', tenant))).toMatchObject({ status: 202 });
  });

  test('of many bytes is no matter where they are text', async () => {
    const tenant = newTenant();
    const data = '[{,\\"'.repeat(9_000);
    const events = Array.from({ length: 100 }, (_, index) => ({ ...event(`o-${index}`, tenant), data }));
    expect(await ops.publish(events)).toMatchObject({ status: 202 });
    expect(await storedIds(tenant)).toHaveLength(100);
  });

  test('with a key twice counts the last one, and __proto__ is only a key', async () => {
    const tenant = newTenant();
    const text = JSON.stringify(event('o-1', tenant));
    expect(await ops.publish(`${text.slice(0, -1)},"id":"o-2"}`)).toMatchObject({
      status: 202,
      body: { results: [{ id: 'o-2' }] },
    });
    const sly = await ops.publish(`{"__proto__":${text}}`);
    expect(sly).toMatchObject(problem(400, 'INVALID_EVENT'));
  });

  test.each([null, 'text/plain', 'application/xml', 'application/json; charset=latin1', 'application/jsonx', ''])(
    'of content type %p is refused',
    async (contentType) => {
      // A string body would make fetch fill in text/plain.
      const body = Buffer.from(JSON.stringify(event('o-1', newTenant())));
      const answer = await ops.publish(body, { contentType });
      expect(answer).toMatchObject(problem(415, 'UNSUPPORTED_MEDIA_TYPE'));
      expect(answer.headers.get('accept')).toContain('application/cloudevents+json');
    },
  );
});

describe('other requests', () => {
  test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is not allowed', async (method) => {
    const answer = await ops.request('/v1/events', { method, headers: { authorization: `Bearer ${SERVICE}` } });
    expect(answer).toMatchObject(problem(405, 'METHOD_NOT_ALLOWED'));
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  test.each(['/', '/v1', '/v1/events/7', '/nowhere?x=1'])('%s is not found', async (path) => {
    expect(await ops.request(path, { method: 'POST' })).toMatchObject(problem(404, 'NOT_FOUND'));
  });

  test('a path that cannot be decoded is a bad request or not found, as a problem', async () => {
    const answer = await ops.request('/v1/%zz');
    expect(answer).toMatchObject({ status: expect.any(Number), contentType: 'application/problem+json' });
    expect([400, 404]).toContain(answer.status);
  });

  test('health says live and ready', async () => {
    expect(await ops.request('/health/live')).toMatchObject({ status: 200 });
    expect(await ops.request('/health/ready')).toMatchObject({
      status: 200,
      body: { ready: true, checks: { redis: { ready: true } } },
    });
  });
});
