import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, tokenFor } from '@rejoin/testing';
import { RunningGateway } from './running-gateway.ts';
import { RawPolling, RawWebSocket } from './wire.ts';

let gateway: RunningGateway;
const sockets: RawWebSocket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await gateway.stop();
});

const start = async (environment: Readonly<Record<string, string>> = {}) => {
  gateway = await RunningGateway.start(environment);
};
function open(headers: Readonly<Record<string, string>> = {}): RawWebSocket {
  const socket = new RawWebSocket(gateway.url, undefined, headers);
  sockets.push(socket);
  return socket;
}
async function admitted(headers: Readonly<Record<string, string>> = {}, auth: object = {}): Promise<RawWebSocket> {
  const socket = open(headers);
  await socket.opened();
  socket.send(`40${JSON.stringify({ token: tokenFor({ sub: 'u1', tenant: 'acme' }), ...auth })}`);
  return socket;
}
const refusalOf = async (socket: RawWebSocket) => JSON.parse((await socket.find('44')).slice(2)).data;

describe('an upgrade from a page of', () => {
  it.each([
    ['another site', 'https://evil.example', 403],
    ['no site at all', 'null', 403],
    ['a site that begins as an allowed one', 'https://app.example.com.evil.example', 403],
    ['a site that ends as an allowed one', 'https://evilapp.example.com', 403],
    ['an allowed site without TLS', 'http://app.example.com', 403],
    ['an allowed site on another port', 'https://app.example.com:8443', 403],
    ['an allowed site', 'https://app.example.com', 200],
  ])('%s', async (_name, origin, status) => {
    await start({ ALLOWED_ORIGINS: 'https://app.example.com' });
    const polled = await fetch(`${gateway.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    expect(polled.status).toBe(status);
    const socket = open({ origin });
    if (status === 200) {
      await socket.opened();
      return;
    }
    expect(await polled.json()).toEqual({ code: 4, message: 'ORIGIN_FORBIDDEN' });
    expect(await socket.ended()).toBe(true);
    expect(socket.refusedWith).toBe(400);
  });
});

describe('a handshake', () => {
  it.each([
    ['10,000 watches', { watch: Array.from({ length: 10_000 }, (_, n) => `o:${n}`).slice(0, 6_000) }],
    ['watches of users and roles', { watch: ['user:u2'] }],
    ['a watch of another form', { watch: { length: 1, 0: 'order:1' } }],
    ['a pattern that takes for ever', { events: [`${'a*'.repeat(60)}b`] }],
    ['patterns of another form', { events: '*' }],
  ])('with %s is refused, and not to be repeated', async (_name, auth) => {
    await start();
    expect(await refusalOf(await admitted({}, auth))).toEqual({ code: 'AUTH_INVALID', retryable: false });
  });

  it.each([
    ['a token nested 5,000 deep', `{"token":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 'AUTH_INVALID'],
    ['a __proto__ that has a token', '{"__proto__":{"token":"x"}}', 'AUTH_REQUIRED'],
    ['a token of 60 KB', JSON.stringify({ token: 'x'.repeat(60_000) }), 'AUTH_INVALID'],
  ])('with %s is refused', async (_name, auth, code) => {
    await start();
    const socket = open();
    await socket.opened();
    socket.send(`40${auth}`);
    expect(await refusalOf(socket)).toEqual({ code, retryable: false });
  });

  it('with a pid that names another key is one without a session', async () => {
    await start();
    const socket = await admitted({}, { pid: '../../x:y{z}', offset: 'nonsense' });
    expect(await socket.find('42["rejoin:ready"')).toContain('"reason":"unreadable"');
  });
});

describe('a client that takes its time', () => {
  it('to send its request is cut off', async () => {
    await start({ HANDSHAKE_TIMEOUT: '300ms' });
    const { port } = new URL(gateway.url);
    const slow = connectTcp(Number(port), '127.0.0.1');
    slow.on('error', () => undefined);
    slow.write('GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n');
    let answer = '';
    slow.on('data', (chunk) => {
      answer += String(chunk);
    });
    await once(slow, 'close');
    expect(answer).toContain('HTTP/1.1 408');
  });

  it.each(['websocket', 'polling'])('to ask to be admitted is cut off, over %s', async (transport) => {
    await start({ HANDSHAKE_TIMEOUT: '300ms' });
    if (transport === 'websocket') {
      expect(await open().ended()).toBe(true);
      return;
    }
    const polling = await RawPolling.open(gateway.url);
    await eventually(async () => expect((await polling.post('3')).status).toBe(400));
  });
});

describe('a flood', () => {
  it('of transports that nobody is admitted through leaves room for those who are', async () => {
    await start({ MAX_PENDING_PER_ADDRESS: '3' });
    const holders = [open(), open(), open()];
    await Promise.all(holders.map((holder) => holder.opened()));
    const refused = open();
    expect(await refused.ended()).toBe(true);
    expect(refused.refusedWith).toBe(400);
    expect(await gateway.limited('pending_per_address')).toBe(1);
    holders[0]?.send(RunningGateway.connectPacket());
    await holders[0]?.find('42["rejoin:ready"');
    const next = await admitted();
    await next.find('42["rejoin:ready"');
  });

  it('over all addresses is told that the gateway is busy', async () => {
    await start({ MAX_PENDING: '1' });
    await open().opened();
    const answer = await fetch(`${gateway.url}/socket.io/?EIO=4&transport=polling`);
    expect([answer.status, await answer.json()]).toEqual([403, { code: 4, message: 'OVERLOADED' }]);
  });

  it('of handshakes with bad tokens is limited by address, without looking at the tokens', async () => {
    await start({ HANDSHAKES_PER_ADDRESS: '3' });
    const codes: string[] = [];
    for (let n = 0; n < 5; n++) codes.push((await refusalOf(await admitted({}, { token: 'rubbish' }))).code);
    expect(codes).toEqual(['AUTH_INVALID', 'AUTH_INVALID', 'AUTH_INVALID', 'RATE_LIMITED', 'RATE_LIMITED']);
    expect(await gateway.limited('handshakes_per_address')).toBe(2);
  });
});

describe('the address of a client', () => {
  const behind = (address: string) => ({ 'x-forwarded-for': address });

  it('is the peer’s, whatever a client says of itself', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '1' });
    await (await admitted(behind('203.0.113.1'))).find('42["rejoin:ready"');
    expect(await refusalOf(await admitted(behind('203.0.113.2')))).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('is what a trusted proxy says, and not what the client told the proxy', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '1', TRUSTED_PROXIES: 'loopback' });
    await (await admitted(behind('203.0.113.1'))).find('42["rejoin:ready"');
    await (await admitted(behind('203.0.113.2'))).find('42["rejoin:ready"');
    const forged = await admitted(behind('198.51.100.9, 203.0.113.1'));
    const refusal = await refusalOf(forged);
    expect(refusal).toEqual({ code: 'RATE_LIMITED', retryable: true, retryAfterMs: expect.any(Number) });
  });
});
