import { EventEmitter } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createTokenVerifier } from '@rejoin/identity';
import { Lifecycle, silentLogger } from '@rejoin/runtime';
import { eventually, TcpProxy, TEST_JWT_SECRET, testRedis, uniquePrefix } from '@rejoin/testing';
import { startDemo } from '../src/demo.ts';

const BUILT = new URL('../dist/', import.meta.url);
const GATEWAYS = ['http://gateway-a.test:3000', 'https://gateway-b.test'];
const sharedSecret = { secret: TEST_JWT_SECRET, publicKey: undefined, jwksUrl: undefined, clockToleranceMs: 0 };
const tokenClaims = { issuer: undefined, audience: undefined, tenantClaim: 'tenant_id' };

let lifecycle = new Lifecycle();
afterEach(() => lifecycle.stop());

async function start(
  environment: Record<string, string | undefined> = {},
  channel = new EventEmitter() as unknown as NodeJS.Process,
): Promise<string> {
  lifecycle = new Lifecycle();
  const { url } = await startDemo(
    {
      environment: {
        REDIS_URL: testRedis(),
        REJOIN_PREFIX: uniquePrefix(),
        JWT_SECRET: TEST_JWT_SECRET,
        GATEWAY_URLS: GATEWAYS.join(','),
        DEMO_PORT: '0',
        ...environment,
      },
      lifecycle,
      logger: silentLogger(),
    },
    BUILT,
    channel,
  );
  return url;
}

function askToken(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${url}/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  });
}

describe('the page', () => {
  test('is served with every script and style it names, under a policy that allows them and the gateways alone', async () => {
    const url = await start();
    const response = await fetch(url);
    const html = await response.text();
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(
      "connect-src 'self' http://gateway-a.test:3000 ws://gateway-a.test:3000 https://gateway-b.test wss://gateway-b.test;",
    );
    expect(policy).toMatch(/script-src 'self' 'sha256-[A-Za-z0-9+/]{43}=';/);
    expect(policy).not.toContain('unsafe');

    const paths = [...html.matchAll(/(?:href|src)="(\/[^"]+)"|": "(\/[^"]+)"/g)].map((match) => match[1] ?? match[2]);
    expect(paths).toEqual(
      expect.arrayContaining(['/tokens.css', '/panels.css', '/inter.woff2', '/page/main.js', '/rejoin-client.js']),
    );
    const css = await (await fetch(`${url}/tokens.css`)).text();
    const fonts = [...css.matchAll(/url\("([^"]+)"\)/g)].map((match) => match[1]);
    expect(fonts).toHaveLength(2);
    for (const path of [...paths, ...fonts]) expect((await fetch(`${url}${path}`)).status).toBe(200);
  });

  test('names the cast and the gateways', async () => {
    const cast = (await (await fetch(`${await start()}/cast`)).json()) as { members: object[] };
    expect(cast).toMatchObject({ gateways: GATEWAYS, signsTokens: true, kills: false });
    expect(cast.members).toContainEqual({ id: 'anna', name: 'Anna', tenant: 'globex', role: 'customer' });
  });

  test.each([
    '/nothing',
    '/main.js',
    '/page/../demo.js',
    '/page/main.js.map',
    '/../package.json',
    '/%2e%2e/main.js',
    '//',
  ])('serves nothing else: %s', async (path) => {
    expect((await fetch(`${await start()}${path}`)).status).toBe(404);
  });

  test('says which methods it takes', async () => {
    const url = await start();
    const post = await fetch(url, { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${url}/tokens`)).status).toBe(405);
  });
});

describe('tokens', () => {
  test('are signed for the cast, short-lived, and say no more than who it is', async () => {
    const url = await start();
    const response = await askToken(url, { tenant: 'acme', user: 'anna' });
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { token } = (await response.json()) as { token: string };
    const principal = await createTokenVerifier({ ...tokenClaims, ...sharedSecret }, () => undefined).verify(token);
    expect(principal).toMatchObject({ userId: 'anna', tenantId: 'acme', roles: ['customer'], scopes: [] });
    expect(principal.expiresAtMs - Date.now()).toBeLessThanOrEqual(300_000);
  });

  test('carry the issuer, audience and tenant claim that the gateways ask for', async () => {
    const configured = { issuer: 'https://id.test', audience: 'orders', tenantClaim: 'org' };
    const url = await start({ JWT_ISSUER: 'https://id.test', JWT_AUDIENCE: 'orders', JWT_TENANT_CLAIM: 'org' });
    const { token } = (await (await askToken(url, { tenant: 'globex', user: 'kim' })).json()) as { token: string };
    const verifier = createTokenVerifier({ ...configured, ...sharedSecret }, () => undefined);
    expect(await verifier.verify(token)).toMatchObject({ userId: 'kim', tenantId: 'globex', roles: ['staff'] });
  });

  test.each([
    { tenant: 'acme', user: 'kim' },
    { tenant: 'initech', user: 'sam' },
    { tenant: ['acme'], user: 'sam' },
    { user: 'sam' },
    null,
    [],
    'not json',
    '',
  ])('are for nobody else: %j', async (body) => {
    const response = await askToken(await start(), body);
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ code: 'UNKNOWN_MEMBER' }),
    ]);
  });

  test('take nothing over from the request', async () => {
    const wishes = { roles: ['admin'], scope: 'ops:write', sub: 'root', tenant_id: 'globex', exp: 9_999_999_999 };
    const response = await askToken(await start(), { tenant: 'acme', user: 'sam', ...wishes });
    const { token } = (await response.json()) as { token: string };
    const claims = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as { exp: number };
    expect(Object.keys(claims).sort()).toEqual(['exp', 'iat', 'jti', 'roles', 'sub', 'tenant_id']);
    expect(claims).toMatchObject({ roles: ['staff'], sub: 'sam', tenant_id: 'acme' });
    expect(claims.exp).toBeLessThan(Date.now() / 1_000 + 301);
  });

  test('need JSON of a sensible size', async () => {
    const url = await start();
    expect((await askToken(url, { tenant: 'acme', user: 'sam' }, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await askToken(url, { tenant: 'acme', user: 'x'.repeat(5_000) })).status).toBe(413);
  });

  test('are refused, and the page told so, where only public keys are configured', async () => {
    const url = await start({ JWT_SECRET: undefined, JWT_JWKS_URL: 'https://id.test/keys' });
    expect(await (await fetch(`${url}/cast`)).json()).toMatchObject({ signsTokens: false });
    const response = await askToken(url, { tenant: 'acme', user: 'sam' });
    expect([response.status, await response.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'NO_SIGNING_KEY' }),
    ]);
  });
});

describe('orders', () => {
  const order = (url: string, body: object) =>
    fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('are placed by customers, so many at a time', async () => {
    const url = await start();
    const placed = await order(url, { tenant: 'acme', user: 'anna' });
    expect([placed.status, await placed.json()]).toEqual([202, { number: expect.stringMatching(/^A-\d+$/) }]);
    for (const body of [{ tenant: 'acme', user: 'sam' }, { tenant: 'acme', user: 'lou' }, {}]) {
      expect((await order(url, body)).status).toBe(404);
    }
    const answers = await Promise.all(Array.from({ length: 40 }, () => order(url, { tenant: 'globex', user: 'lou' })));
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).toBe('2');
  });
});

describe('what happens', () => {
  test('is announced as it is emitted, with its recipients and without what is in it', async () => {
    const url = await start();
    const abort = new AbortController();
    const response = await fetch(`${url}/happenings`, { signal: abort.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (/event: emitted\ndata: .*\n\n/.test(text)) break;
    }
    abort.abort();
    const announced = JSON.parse(/event: emitted\ndata: (.*)\n/.exec(text)?.[1] ?? '{}') as object;
    expect(Object.keys(announced).sort()).toEqual(['id', 'recipients', 'tenant', 'time']);
  });
});

describe('killing a process', () => {
  const kill = (url: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/kill`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ name: 'gateway-3000' }),
    });

  /** The demo as a child of a supervisor that has one gateway. */
  function supervised() {
    const sent: unknown[] = [];
    const channel = Object.assign(new EventEmitter(), { send: (message: unknown) => sent.push(message) > 0 });
    const programs = [{ name: 'gateway-3000', running: true, pid: 1, restarts: 0 }];
    return { sent, channel, tell: () => channel.emit('message', { type: 'programs', programs }) };
  }

  test('is left to the supervisor, and asked for from this machine alone', async () => {
    const { sent, channel, tell } = supervised();
    const url = await start({}, channel as unknown as NodeJS.Process);
    tell();
    expect(await (await fetch(`${url}/cast`)).json()).toMatchObject({ kills: true });
    expect((await kill(url)).status).toBe(202);
    expect(sent).toEqual([{ type: 'programs:watch' }, { type: 'program:kill', name: 'gateway-3000' }]);
    expect((await kill(url, { 'content-type': 'text/plain' })).status).toBe(415);
    expect(sent).toHaveLength(2);
  });

  test('is refused under a name of somebody else that points here, and where nothing supervises', async () => {
    const { sent, channel, tell } = supervised();
    const url = await start({}, channel as unknown as NodeJS.Process);
    tell();
    const { port } = new URL(url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: `evil.test:${port}`, 'content-type': 'application/json' };
      request({ port, path: '/kill', method: 'POST', headers }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject)
        .end('{"name":"gateway-3000"}');
    });
    expect(status).toBe(403);
    expect(sent).toHaveLength(1);
    await lifecycle.stop();
    expect((await kill(await start())).status).toBe(404);
  });
});

describe('health', () => {
  test('is ready once events are accepted', async () => {
    const url = await start();
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await eventually(async () => (await fetch(`${url}/health/ready`)).status === 200);
  });

  test('is not ready while Redis is away, and the page is served all the same', async () => {
    const proxy = await TcpProxy.start(testRedis());
    try {
      const url = await start({ REDIS_URL: proxy.url });
      const readiness = async () => (await fetch(`${url}/health/ready`)).status;
      await eventually(async () => (await readiness()) === 200);
      await proxy.stop();
      await eventually(async () => (await readiness()) === 503);
      expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({
        checks: { publishing: { ready: false, detail: 'Redis is away' } },
      });
      for (const path of ['/', '/cast', '/health/live']) expect((await fetch(`${url}${path}`)).status).toBe(200);
    } finally {
      await proxy.stop();
    }
  });
});

describe('configuration', () => {
  test.each(['nonsense', 'ftp://x.test', ','])('refuses GATEWAY_URLS=%s', async (urls) => {
    await expect(start({ GATEWAY_URLS: urls })).rejects.toThrow('GATEWAY_URLS must');
  });

  test('refuses another number of partitions than the installation has', async () => {
    const shared = { REJOIN_PREFIX: uniquePrefix(), REJOIN_PARTITIONS: '4' };
    await start(shared);
    await lifecycle.stop();
    await expect(start({ ...shared, REJOIN_PARTITIONS: '8' })).rejects.toThrow('REJOIN_PARTITIONS');
  });
});
