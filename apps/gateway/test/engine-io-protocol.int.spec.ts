import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import { RunningGateway } from './running-gateway.ts';
import { RawPolling, RawWebSocket } from './wire.ts';

// The conformance cases of the Engine.IO protocol, revision 4, restated one by one, in their order:
// https://github.com/socketio/engine.io-protocol/blob/f21de7b/test-suite/test-suite.js (the Socket.IO suite repeats them)
// Where those have an echo server, a command of the gateway is acknowledged here. The gateway sends no binary packets of its own,
// so what they echo as such is only read. Cases beyond them are sids that nobody has, pings of earlier revisions, and sizes.

let gateway: RunningGateway;
const sockets: RawWebSocket[] = [];
beforeAll(async () => {
  gateway = await RunningGateway.start();
});
afterAll(() => gateway.stop());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

const path = (query: string) => `${gateway.url}/socket.io/?${query}`;
function open(query?: string, url = gateway.url): RawWebSocket {
  const socket = new RawWebSocket(url, query);
  sockets.push(socket);
  return socket;
}
const COMMAND = (id: number) => `42${id}["nobody:knows",{}]`;
const ANSWER = (id: number) => `43${id}[{"ok":false`;
const HANDSHAKE = {
  sid: expect.any(String),
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxPayload: 65_536,
};

describe('handshake over HTTP long-polling', () => {
  it('opens a session', async () => {
    const response = await fetch(path('EIO=4&transport=polling'));
    expect(response.status).toBe(200);
    const body = await response.text();
    expect(body.startsWith('0')).toBe(true);
    expect(JSON.parse(body.slice(1))).toEqual({ ...HANDSHAKE, upgrades: ['websocket'] });
  });

  it.each([
    ['without EIO', 'transport=polling', 'GET'],
    ['with a bad EIO', 'EIO=abc&transport=polling', 'GET'],
    ['without a transport', 'EIO=4', 'GET'],
    ['with an unknown transport', 'EIO=4&transport=abc', 'GET'],
    ['of another method', 'EIO=4&transport=polling', 'POST'],
    ['of yet another method', 'EIO=4&transport=polling', 'PUT'],
    ['with an unknown sid', 'EIO=4&transport=polling&sid=abc', 'GET'],
    ['with the sid __proto__', 'EIO=4&transport=polling&sid=__proto__', 'GET'],
  ])('%s is refused', async (_name, query, method) => {
    expect((await fetch(path(query), { method })).status).toBe(400);
  });
});

describe('handshake over WebSocket', () => {
  it('opens a session', async () => {
    const packet = await open().next();
    expect(packet.startsWith('0')).toBe(true);
    expect(JSON.parse(packet.slice(1))).toEqual({ ...HANDSHAKE, upgrades: [] });
  });

  it.each(['transport=websocket', 'EIO=abc&transport=websocket', 'EIO=4', 'EIO=4&transport=abc'])(
    'with the query %s is refused',
    async (query) => expect(await open(query).ended()).toBe(true),
  );
});

describe('messages over HTTP long-polling', () => {
  it('come in payloads of one or more packets', async () => {
    const polling = await RawPolling.open(gateway.url);
    expect((await polling.post(RunningGateway.connectPacket())).status).toBe(200);
    await polling.find('42["rejoin:ready"');
    const posted = await polling.post(COMMAND(1), COMMAND(2), COMMAND(3));
    expect([posted.status, await posted.text()]).toEqual([200, 'ok']);
    const answers: string[] = [];
    while (answers.length < 3) answers.push(...(await polling.poll()));
    expect(answers.map((answer) => answer.slice(0, ANSWER(1).length))).toEqual([1, 2, 3].map(ANSWER));
  });

  it('may hold binary packets, in base64', async () => {
    const polling = await RawPolling.open(gateway.url);
    await polling.post(RunningGateway.connectPacket());
    await polling.find('42["rejoin:ready"');
    await polling.post('451-7["nobody:knows",{"_placeholder":true,"num":0}]', 'bAQIDBA==');
    expect(await polling.find(ANSWER(7))).toContain('UNKNOWN_COMMAND');
  });

  it('of another form end the session', async () => {
    const polling = await RawPolling.open(gateway.url);
    // The connection may be cut before the answer.
    await polling.post('abc').catch(() => null);
    expect((await polling.get()).status).toBe(400);
  });

  it('polled for twice at once end the session', async () => {
    const polling = await RawPolling.open(gateway.url);
    // A close packet for the one, and nothing for the other, whichever came first.
    const polls = await Promise.all([polling.get(), polling.get()]);
    const [closed, refused] = polls.toSorted((a, b) => a.status - b.status) as [Response, Response];
    expect([closed.status, await closed.text(), refused.status]).toEqual([200, '1', 400]);
    expect((await polling.get()).status).toBe(400);
  });

  it('beyond the bound of a payload are refused as such', async () => {
    const polling = await RawPolling.open(gateway.url);
    expect((await polling.post(`4${'x'.repeat(70_000)}`)).status).toBe(413);
  });
});

describe('messages over WebSocket', () => {
  it('are text', async () => {
    const socket = open();
    await socket.opened();
    socket.send(RunningGateway.connectPacket());
    await socket.find('42["rejoin:ready"');
    socket.send(COMMAND(1));
    expect(await socket.next()).toContain(ANSWER(1));
  });

  it('or binary', async () => {
    const socket = open();
    await socket.opened();
    socket.send(RunningGateway.connectPacket());
    await socket.find('42["rejoin:ready"');
    socket.send('451-7["nobody:knows",{"_placeholder":true,"num":0}]');
    socket.send(Buffer.from([1, 2, 3, 4]));
    expect(await socket.find(ANSWER(7))).toContain('UNKNOWN_COMMAND');
  });

  it('of another form end the session', async () => {
    const socket = open();
    await socket.opened();
    socket.send('abc');
    expect(await socket.ended()).toBe(true);
  });
});

describe('heartbeat', () => {
  let quick: RunningGateway;
  beforeAll(async () => {
    quick = await RunningGateway.start({ PING_INTERVAL: '200ms', PING_TIMEOUT: '150ms' });
  });
  afterAll(() => quick.stop());

  it('goes from the gateway to a client that polls, which answers', async () => {
    const polling = await RawPolling.open(quick.url);
    await polling.post(RunningGateway.connectPacket());
    for (let beat = 0; beat < 3; beat++) {
      await polling.find('2');
      expect((await polling.post('3')).status).toBe(200);
    }
  });

  it('that is not answered ends the session of a client that polls', async () => {
    const polling = await RawPolling.open(quick.url);
    await polling.find('2');
    await eventually(async () => expect((await polling.get()).status).toBe(400));
  });

  it('goes from the gateway to a WebSocket, which answers', async () => {
    const socket = open(undefined, quick.url);
    await socket.opened();
    socket.send(RunningGateway.connectPacket());
    for (let beat = 0; beat < 3; beat++) {
      await socket.ping();
      socket.send('3');
    }
    expect(socket.closed).toBe(false);
  });

  it('that is not answered ends a WebSocket', async () => {
    const socket = open(undefined, quick.url);
    await socket.ping();
    expect(await socket.ended()).toBe(true);
  });

  it('that the client begins, as before revision 4, ends the session', async () => {
    const socket = open();
    await socket.opened();
    socket.send('2');
    expect(await socket.ended()).toBe(true);
  });
});

describe('close', () => {
  it('by a client that polls ends its poll and its session', async () => {
    const polling = await RawPolling.open(gateway.url);
    const [polled, posted] = await Promise.all([polling.poll(), polling.post('1')]);
    expect([polled, posted.status]).toEqual([['6'], 200]);
    expect((await polling.get()).status).toBe(400);
  });

  it('by a packet over a WebSocket ends it', async () => {
    const socket = open();
    await socket.next();
    socket.send('1');
    expect(await socket.ended()).toBe(true);
  });

  it('of a WebSocket ends its session', async () => {
    const socket = open();
    const { sid } = JSON.parse((await socket.next()).slice(1)) as { readonly sid: string };
    const problem = async () => (await fetch(path(`EIO=4&transport=polling&sid=${sid}`))).json();
    expect(await problem()).toEqual({ code: 3, message: 'Bad request' });
    socket.hangUp();
    expect(await socket.ended()).toBe(true);
    await eventually(async () => expect(await problem()).toEqual({ code: 1, message: 'Session ID unknown' }));
  });
});

describe('upgrade', () => {
  async function probed(): Promise<{ polling: RawPolling; socket: RawWebSocket }> {
    const polling = await RawPolling.open(gateway.url);
    const socket = open(`EIO=4&transport=websocket&sid=${polling.sid}`);
    await socket.opened();
    socket.send('2probe');
    expect(await socket.next()).toBe('3probe');
    return { polling, socket };
  }
  async function upgraded(): ReturnType<typeof probed> {
    const both = await probed();
    both.socket.send('5');
    return both;
  }

  it('ends the poll that is under way, with nothing in it', async () => {
    const { polling, socket } = await probed();
    expect(await polling.poll()).toEqual(['6']);
    socket.send('5');
    socket.send(RunningGateway.connectPacket());
    await socket.find('42["rejoin:ready"');
  });

  it('moves a session from HTTP long-polling to WebSocket', async () => {
    const { socket } = await upgraded();
    socket.send(RunningGateway.connectPacket());
    await socket.find('42["rejoin:ready"');
    socket.send(COMMAND(1));
    expect(await socket.next()).toContain(ANSWER(1));
  });

  it('leaves nothing to poll for', async () => {
    const { polling, socket } = await upgraded();
    socket.send(RunningGateway.connectPacket());
    await socket.find('40');
    expect((await polling.get()).status).toBe(400);
    expect(socket.closed).toBe(false);
  });

  it('leaves no place for another WebSocket', async () => {
    const { polling, socket } = await upgraded();
    socket.send(RunningGateway.connectPacket());
    await socket.find('40');
    expect(await open(`EIO=4&transport=websocket&sid=${polling.sid}`).ended()).toBe(true);
    expect(socket.closed).toBe(false);
  });
});
