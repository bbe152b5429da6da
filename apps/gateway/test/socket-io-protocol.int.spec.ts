import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { tokenFor } from '@rejoin/testing';
import { RunningGateway } from './running-gateway.ts';
import { RawPolling, RawWebSocket } from './wire.ts';

// The conformance cases of the Socket.IO protocol, revision 5, restated one by one, in their order:
// https://github.com/socketio/socket.io-protocol/blob/main/test-suite/test-suite.js (its Engine.IO part is the spec beside this one)
// A handshake needs a token here, so one without a payload is refused. There is one namespace: where those connect to "/custom", the
// refusal must leave the main one as it is. What an echo server would send back is acknowledged; the gateway sends no binary
// attachments of its own. Cases beyond them are what a hostile client could send in the place of each.

let gateway: RunningGateway;
const sockets: RawWebSocket[] = [];
beforeAll(async () => {
  gateway = await RunningGateway.start({ HANDSHAKE_TIMEOUT: '700ms' });
});
afterAll(() => gateway.stop());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

async function open(): Promise<RawWebSocket> {
  const socket = new RawWebSocket(gateway.url);
  sockets.push(socket);
  expect((await socket.next()).startsWith('0')).toBe(true);
  return socket;
}
async function connected(): Promise<RawWebSocket> {
  const socket = await open();
  socket.send(RunningGateway.connectPacket());
  await socket.find('42["rejoin:ready"');
  return socket;
}
/** Leaves the namespace; what is answered afterwards was asked afterwards. */
async function leave(socket: RawWebSocket): Promise<void> {
  socket.send('41');
  socket.send('40/none,');
  await socket.find('44/none');
}
const UNKNOWN = { ok: false, error: { code: 'UNKNOWN_COMMAND', message: expect.any(String), retryable: false } };

describe('connect', () => {
  it('to the main namespace is answered with a sid, before anything else', async () => {
    const socket = await open();
    socket.send(RunningGateway.connectPacket());
    const packet = await socket.next();
    expect(packet.slice(0, 2)).toBe('40');
    expect(JSON.parse(packet.slice(2))).toEqual({ sid: expect.any(String), pid: expect.any(String) });
    expect(await socket.next()).toContain('42["rejoin:ready",{"replay":{"status":"none","count":0},"watching":[]},');
  });

  it('without what it needs is answered with an error, and may be tried again', async () => {
    const socket = await open();
    socket.send('40');
    const packet = await socket.next();
    expect(packet.slice(0, 2)).toBe('44');
    expect(JSON.parse(packet.slice(2))).toEqual({
      message: expect.any(String),
      data: { code: 'AUTH_REQUIRED', retryable: false },
    });
    socket.send(RunningGateway.connectPacket());
    expect(await socket.next()).toContain('40{"sid":');
  });

  it.each(['random', 'admin', '__proto__'])('to the unknown namespace /%s is refused', async (name) => {
    const socket = await open();
    socket.send(`40/${name},${JSON.stringify({ token: tokenFor({ sub: 'u1', tenant: 'acme' }) })}`);
    expect(await socket.next()).toBe(`44/${name},{"message":"Invalid namespace"}`);
  });

  it.each(['4abc', '40[]', '40"text"', '42["too early",{}]', '41', '43[]'])(
    'as %s ends the transport',
    async (packet) => {
      const socket = await open();
      socket.send(packet);
      expect(await socket.ended()).toBe(true);
    },
  );

  it('that does not come ends the transport', async () => {
    expect(await (await open()).ended()).toBe(true);
  });

  it('again on a connected socket ends the transport', async () => {
    const socket = await connected();
    socket.send(RunningGateway.connectPacket());
    expect(await socket.ended()).toBe(true);
  });

  it('ten times at once connects once', async () => {
    const polling = await RawPolling.open(gateway.url);
    await polling.post(...Array.from({ length: 10 }, () => RunningGateway.connectPacket()));
    const packets: string[] = [];
    while (packets.filter((packet) => /^4[04]/.test(packet)).length < 10) packets.push(...(await polling.poll()));
    expect(packets.filter((packet) => packet.startsWith('40'))).toHaveLength(1);
    const refused = packets.filter((packet) => packet.startsWith('44'));
    for (const packet of refused) expect(JSON.parse(packet.slice(2)).data.code).toBe('RATE_LIMITED');
  });
});

describe('another namespace', () => {
  it('that is asked for and refused leaves the main one as it is', async () => {
    const socket = await connected();
    socket.send('40/custom,{"token":"abc"}');
    expect(await socket.next()).toBe('44/custom,{"message":"Invalid namespace"}');
    socket.send('421["nobody:knows",{}]');
    expect(await socket.next()).toContain('431[');
  });

  it('that was never connected cannot be left, nor sent to', async () => {
    for (const packet of ['41/custom,', '42/custom,["nobody:knows",{}]']) {
      const socket = await connected();
      socket.send(packet);
      expect(await socket.ended()).toBe(true);
    }
  });
});

describe('disconnect', () => {
  it('from the main namespace ends what may be sent there', async () => {
    const socket = await connected();
    await leave(socket);
    socket.send('421["nobody:knows",{}]');
    expect(await socket.ended()).toBe(true);
    expect(socket.pending.filter((packet) => packet.startsWith('43'))).toEqual([]);
  });

  it('leaves the way to connect again', async () => {
    const socket = await connected();
    await leave(socket);
    socket.send(RunningGateway.connectPacket());
    expect(await socket.find('40')).toContain('"sid"');
  });
});

describe('messages', () => {
  it('that want an acknowledgement get it under their number', async () => {
    const socket = await connected();
    socket.send('42456["nobody:knows",{}]');
    const answer = await socket.next();
    expect(answer.slice(0, 5)).toBe('43456');
    expect(JSON.parse(answer.slice(5))).toEqual([UNKNOWN]);
  });

  it('that want none get an event', async () => {
    const socket = await connected();
    socket.send('42["nobody:knows",{}]');
    expect(JSON.parse((await socket.next()).slice(2))).toEqual(['error', UNKNOWN]);
  });

  it('with binary attachments that want no acknowledgement get an event', async () => {
    const socket = await connected();
    socket.send('452-["nobody:knows",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    socket.send(Buffer.from([1, 2, 3]));
    socket.send(Buffer.from([4, 5, 6]));
    expect(JSON.parse((await socket.next()).slice(2))).toEqual(['error', UNKNOWN]);
  });

  it('with binary attachments are put together', async () => {
    const socket = await connected();
    socket.send('452-789["nobody:knows",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    socket.send(Buffer.from([1, 2, 3]));
    socket.send(Buffer.from([4, 5, 6]));
    expect(await socket.next()).toContain('43789[');
  });

  it.each([
    ['of an unknown type', '4abc'],
    ['whose payload is no array', '42{}'],
    ['whose event has no name', '42[]'],
    ['whose name is an object', '42[{}]'],
    ['whose number is none', '42abc["nobody:knows",{}]'],
    ['whose JSON is cut off', '42["nobody:knows",{'],
    ['named like an event of Socket.IO itself', '42["disconnect"]'],
    ['with too many attachments', '4511-["nobody:knows",{"_placeholder":true,"num":0}]'],
    ['with an attachment that does not exist', '450-["nobody:knows"]'],
    ['that refuses the connection, which is the server’s to do', '44{"message":"no"}'],
  ])('%s end the transport', async (_name, packet) => {
    const socket = await connected();
    socket.send(packet);
    expect(await socket.ended()).toBe(true);
  });

  it.each([
    ['a text', '42["nobody:knows",{}]'],
    ['a binary packet that nobody announced', null],
  ])('in place of an attachment, %s ends the transport', async (_name, text) => {
    const socket = await connected();
    if (text !== null) socket.send('451-["nobody:knows",{"_placeholder":true,"num":0}]');
    socket.send(text ?? Buffer.from([1]));
    expect(await socket.ended()).toBe(true);
  });

  it('with a placeholder for an attachment that is not there end the transport', async () => {
    const socket = await connected();
    socket.send('451-["nobody:knows",{"_placeholder":true,"num":5}]');
    socket.send(Buffer.from([1]));
    expect(await socket.ended()).toBe(true);
  });
});
