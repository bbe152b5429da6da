import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { eventually, FeedWriter, testRedis, tokenFor } from '@rejoin/testing';
import { RunningGateway } from './running-gateway.ts';
import { RawPolling, RawWebSocket } from './wire.ts';

let gateway: RunningGateway;
let client: RedisClient;
let writer: FeedWriter;
const sockets: RawWebSocket[] = [];

beforeAll(async () => {
  gateway = await RunningGateway.start({
    MAX_BUFFERED: '64kb',
    COMMANDS_PER_SOCKET: '300',
    COMMANDS_PER_USER: '100000',
  });
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  writer = await FeedWriter.open(client, keyspace(gateway.prefix).partition(partitionOf('acme', 8)));
});
afterAll(async () => {
  disconnect(client);
  await gateway.stop();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

async function connected(sub = 'u1', roles: readonly string[] = ['staff']): Promise<RawWebSocket> {
  const socket = new RawWebSocket(gateway.url);
  sockets.push(socket);
  await socket.opened();
  socket.send(RunningGateway.connectPacket(tokenFor({ sub, tenant: 'acme', roles })));
  await socket.find('42["rejoin:ready"');
  return socket;
}

/** What a packet with the number 1 is acknowledged with. */
async function answerTo(socket: RawWebSocket, payload: string): Promise<{ ok: boolean; error?: { code: string } }> {
  socket.send(`421${payload}`);
  return JSON.parse((await socket.find('431')).slice(3))[0];
}
const serves = async () =>
  expect(await answerTo(await connected(), '["orders:unwatch",{"orderId":"1"}]')).toMatchObject({ ok: true });

describe('a command', () => {
  it.each([
    ['larger than 32 KiB', JSON.stringify(['orders:watch', { orderId: 'x'.repeat(40_000) }])],
    [
      'with 40,000 fields',
      JSON.stringify(['orders:watch', Object.fromEntries(Array.from({ length: 4_500 }, (_, n) => [n, 1]))]),
    ],
    ['nested 10,000 deep', `["orders:watch",${'['.repeat(10_000)}${']'.repeat(10_000)}]`],
    ['nested 17 deep in objects', `["orders:watch",${'{"a":'.repeat(17)}1${'}'.repeat(17)}]`],
    ['with a __proto__', '["orders:watch",{"orderId":"1","__proto__":{"roles":["staff"]}}]'],
    ['with a constructor', '["orders:watch",{"orderId":"1","constructor":{"prototype":{"polluted":1}}}]'],
    ['with a toString in place of text', '["orders:watch",{"orderId":{"toString":"1"}}]'],
    ['with a placeholder that nothing stands for', '["orders:watch",{"_placeholder":true,"num":0}]'],
    ['with a list', '["orders:watch",["1"]]'],
    ['with null', '["orders:watch",null]'],
    ['with two arguments', '["orders:watch",{"orderId":"1"},{"orderId":"2"}]'],
  ])('%s is INVALID_PAYLOAD, and the connection goes on', async (_name, payload) => {
    const socket = await connected();
    expect(await answerTo(socket, payload)).toMatchObject({ ok: false, error: { code: 'INVALID_PAYLOAD' } });
    expect(await answerTo(socket, '["orders:watch",{"orderId":"1"}]')).toMatchObject({ ok: true });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('as deep as may be is looked at', async () => {
    const socket = await connected();
    const answer = await answerTo(socket, `["nobody:knows",${'['.repeat(16)}${']'.repeat(16)}]`);
    expect(answer).toMatchObject({ error: { code: 'UNKNOWN_COMMAND' } });
  });

  it('with a binary attachment is INVALID_PAYLOAD', async () => {
    const socket = await connected();
    for (const part of ['{"orderId":{"_placeholder":true,"num":0}}', '{"_placeholder":true,"num":0}']) {
      socket.send(`451-1["orders:watch",${part}]`);
      socket.send(Buffer.from('991'));
      expect(await socket.find('431')).toContain('INVALID_PAYLOAD');
    }
  });

  it('whose attachments together are larger than 32 KiB is INVALID_PAYLOAD', async () => {
    const socket = await connected();
    socket.send('452-1["nobody:knows",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    for (let part = 0; part < 2; part++) socket.send(Buffer.alloc(20_000));
    expect(await socket.find('431')).toContain('INVALID_PAYLOAD');
  });

  it.each([
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '',
    'error',
    'connection',
    'rejoin:ready',
    'session:expiring',
    'orders:watch ',
    'ORDERS:WATCH',
    'orders:watch\u0000',
    'x'.repeat(10_000),
  ])('of the name %j is UNKNOWN_COMMAND', async (name) => {
    expect(await answerTo(await connected(), JSON.stringify([name, {}]))).toMatchObject({
      error: { code: 'UNKNOWN_COMMAND' },
    });
  });

  it('of a number for a name is UNKNOWN_COMMAND', async () => {
    expect(await answerTo(await connected(), '[7,{}]')).toMatchObject({ error: { code: 'UNKNOWN_COMMAND' } });
  });
});

describe('a packet', () => {
  const TOO_LARGE = `42["orders:watch","${'x'.repeat(70_000)}"]`;

  it('of more than 64 KiB ends its own connection, and no other', async () => {
    const [hostile, neighbour] = [await connected(), await connected('u2')];
    const before = await gateway.limited('client_packet');
    hostile.send(TOO_LARGE);
    expect(await hostile.ended()).toBe(true);
    expect(await answerTo(neighbour, '["orders:unwatch",{"orderId":"1"}]')).toMatchObject({ ok: true });
    await eventually(async () => expect(await gateway.limited('client_packet')).toBe(before + 1));
  });

  it('of more than 64 KiB is refused likewise before anybody is admitted', async () => {
    const before = await gateway.limited('client_packet');
    const hostile = new RawWebSocket(gateway.url);
    sockets.push(hostile);
    await hostile.opened();
    hostile.send(`40{"token":"${'x'.repeat(70_000)}"}`);
    expect(await hostile.ended()).toBe(true);
    await eventually(async () => expect(await gateway.limited('client_packet')).toBe(before + 1));
  });

  it('of more than 64 KiB is refused from a client that polls, whose connection goes on', async () => {
    const before = await gateway.limited('client_packet');
    const polling = await RawPolling.open(gateway.url);
    await polling.post(RunningGateway.connectPacket());
    await polling.find('42["rejoin:ready"');
    expect((await polling.post(TOO_LARGE)).status).toBe(413);
    await eventually(async () => expect(await gateway.limited('client_packet')).toBe(before + 1));
    expect((await polling.post('421["orders:unwatch",{"orderId":"1"}]')).status).toBe(200);
    expect(await polling.find('431')).toContain('"ok":true');
    expect(await gateway.limited('client_packet')).toBe(before + 1);
    await polling.post('1');
  });

  it.each([
    ['before it proves itself', false],
    ['after it proved itself', true],
  ])('of more than 64 KiB is counted on a WebSocket to which a client that polls would move, %s', async (_, proved) => {
    const before = await gateway.limited('client_packet');
    const polling = await RawPolling.open(gateway.url);
    await polling.post(RunningGateway.connectPacket());
    await polling.find('42["rejoin:ready"');
    const probing = new RawWebSocket(gateway.url, `EIO=4&transport=websocket&sid=${polling.sid}`);
    sockets.push(probing);
    await probing.opened();
    if (proved) {
      probing.send('2probe');
      expect(await probing.next()).toBe('3probe');
    }
    probing.send(TOO_LARGE);
    expect(await probing.ended()).toBe(true);
    await eventually(async () => expect(await gateway.limited('client_packet')).toBe(before + 1));
    expect((await polling.post('421["orders:unwatch",{"orderId":"1"}]')).status).toBe(200);
    expect(await polling.find('431')).toContain('"ok":true');
    await polling.post('1');
  });

  it('that acknowledges what nobody sent is passed over', async () => {
    const socket = await connected();
    socket.send('43999[{"ok":true}]');
    socket.send('430[]');
    expect(await answerTo(socket, '["orders:unwatch",{"orderId":"1"}]')).toMatchObject({ ok: true });
  });
});

describe('watches', () => {
  it('end at 100 for one connection, however many are asked for, with the time to wait', async () => {
    const socket = await connected();
    const codes: (string | undefined)[] = [];
    for (let order = 0; order < 150; order++) {
      const answer = await answerTo(socket, JSON.stringify(['orders:watch', { orderId: String(order) }]));
      codes.push(answer.error?.code);
      if (answer.error) expect(answer.error).toMatchObject({ retryable: true, retryAfterMs: 1_000 });
    }
    expect(codes.filter((code) => code === undefined)).toHaveLength(100);
    expect(new Set(codes.slice(100))).toEqual(new Set(['RATE_LIMITED']));
  });

  it('sent 10,000 at a time are limited, and end their connection', async () => {
    const socket = await connected('flood');
    for (let order = 0; order < 10_000; order++) socket.send(`42["orders:watch",{"orderId":"${order}"}]`);
    const closing = await socket.find('42["rejoin:closing"');
    expect(JSON.parse(closing.slice(2))[1]).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    expect(await socket.ended()).toBe(true);
    await serves();
  });
});

describe('a client that sends commands and does not read the answers', () => {
  it('is cut off, so that they do not pile up', async () => {
    const data = { userId: 'reader', text: 'x'.repeat(50_000) };
    await writer.write(
      Array.from({ length: 20 }, (_, n) => ({
        id: `n${n}`,
        tenant: 'acme',
        type: 'notification.created',
        rooms: ['acme:user%3Areader'],
        data,
      })),
    );
    const socket = await connected('reader');
    socket.stopReading();
    for (let call = 0; call < 40; call++) socket.send('42["notifications:list",{"limit":20}]');
    for (let call = 0; call < 40; call++) socket.send(`42${call}["notifications:list",{"limit":20}]`);
    const connections = async () => {
      const text = await (await fetch(`${gateway.url}/metrics`)).text();
      return Number(/^rejoin_gateway_connections (\d+)/m.exec(text)?.[1]);
    };
    await eventually(async () => expect(await connections()).toBe(0), { timeoutMs: 18_000 });
    await serves();
  });
});
