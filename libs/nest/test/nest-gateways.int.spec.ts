import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type INestApplication, Logger } from '@nestjs/common';
import { partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { serverUrl } from '@rejoin/runtime';
import {
  EventRecorder,
  eventually,
  FeedWriter,
  TEST_JWT_SECRET,
  testRedis,
  tokenFor,
  uniquePrefix,
} from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';
import { start } from './nest-gateways/main.ts';

const PAGE = new URL('../../../docs/how-to/nest-gateways.md', import.meta.url);
const FILES = ['app.module.ts', 'tickets.gateway.ts', 'main.ts'];

test('the how-to shows the files that run here', () => {
  const blocks = [...readFileSync(PAGE, 'utf8').matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)];
  // Readers' TypeScript takes imports that end in ".js"; this repository's are those of the sources.
  const shown = blocks.map(([, name, code]) => [name, (code as string).replaceAll(/(from '\.\/.*)\.js'/g, "$1.ts'")]);
  const real = FILES.map((name) => [name, readFileSync(new URL(`nest-gateways/${name}`, import.meta.url), 'utf8')]);
  expect(shown).toEqual(real);
});

describe('the application of the how-to', () => {
  const { REDIS_URL, REJOIN_PREFIX, JWT_SECRET } = process.env;
  let client: RedisClient;
  let writer: FeedWriter;
  let app: INestApplication;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    Logger.overrideLogger(false);
    const prefix = uniquePrefix();
    Object.assign(process.env, { REDIS_URL: testRedis(), REJOIN_PREFIX: prefix, JWT_SECRET: TEST_JWT_SECRET });
    client = connect({ url: testRedis(), use: 'background', name: 'how-to-test', onError: () => undefined });
    app = await start(0);
    writer = await FeedWriter.open(client, keyspace(prefix).partition(partitionOf('acme', 8)));
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.disconnect();
    await app.close();
    disconnect(client);
    for (const [name, value] of Object.entries({ REDIS_URL, REJOIN_PREFIX, JWT_SECRET })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    Logger.overrideLogger(['error', 'warn']);
  });

  function connected(auth: object, options: object = {}) {
    const socket = io(serverUrl(app.getHttpServer()), {
      auth,
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 20,
      ...options,
    });
    sockets.push(socket);
    return { socket, recorder: new EventRecorder(socket) };
  }
  const agent = tokenFor({ sub: 'u1', tenant: 'acme', roles: ['agent'] });
  const customer = tokenFor({ sub: 'u2', tenant: 'acme' });
  const refusal = (socket: Socket) => new Promise<{ data?: unknown }>((done) => socket.once('connect_error', done));

  test('delivers, and resumes without loss', async () => {
    const { socket, recorder } = connected({ token: agent, watch: ['ticket:7'] });
    await eventually(() => expect(recorder.readies).toHaveLength(1));
    await writer.write([{ id: 'e1', tenant: 'acme', rooms: ['acme:ticket%3A7'], type: 'ticket.opened' }]);
    await eventually(() => recorder.assertDelivered(['e1']));
    socket.io.engine.close();
    await writer.write([{ id: 'e2', tenant: 'acme', rooms: ['acme:ticket%3A7'], type: 'ticket.opened' }]);
    await eventually(() => recorder.assertDelivered(['e1', 'e2']));
    expect(recorder.readies[1]?.ready).toMatchObject({ replay: { status: 'complete' }, watching: ['ticket:7'] });
  });

  test('lets only those in who may, and do only what they may', async () => {
    expect((await refusal(connected({ token: 'rubbish' }).socket)).data).toMatchObject({ code: 'AUTH_INVALID' });
    const evil = { extraHeaders: { origin: 'https://evil.example' } };
    expect((await refusal(connected({ token: agent }, evil).socket)).data).toBeUndefined();
    const { socket, recorder } = connected({ token: customer, watch: ['ticket:7'] });
    await eventually(() => expect(recorder.readies).toHaveLength(1));
    expect(recorder.readies[0]?.ready.watching).toEqual([]);
    for (const name of ['tickets:watch', 'tickets:close']) {
      expect(await socket.emitWithAck(name, { ticketId: '7' })).toMatchObject({ error: { code: 'FORBIDDEN' } });
    }
  });

  test('answers commands with what they return, or why not', async () => {
    const { socket, recorder } = connected({ token: agent });
    await eventually(() => expect(recorder.readies).toHaveLength(1));
    const close = (argument: unknown) => socket.emitWithAck('tickets:close', argument);
    expect(await close({ ticketId: '7' })).toEqual({ ok: true, data: { ticketId: '7', closedBy: 'u1' } });
    expect(await close({ ticketId: '7' })).toMatchObject({
      error: { code: 'FORBIDDEN', message: expect.stringContaining('closed already') },
    });
    expect(await close({ ticketId: 7 })).toMatchObject({ error: { code: 'INVALID_PAYLOAD' } });
    expect(await socket.emitWithAck('tickets:watch', { ticketId: '8' })).toEqual({
      ok: true,
      data: { watching: ['ticket:8'] },
    });
  });

  test('tells its clients to come back elsewhere when it closes', async () => {
    const { recorder } = connected({ token: agent }, { reconnection: false });
    await eventually(() => expect(recorder.readies).toHaveLength(1));
    await app.close();
    await eventually(() =>
      expect(recorder.closings).toEqual([{ code: 'DRAINING', retryable: true, retryAfterMs: expect.any(Number) }]),
    );
  });
});
