import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { partitionOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { Lifecycle, silentLogger } from '@rejoin/runtime';
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
import { startGateway } from '../src/gateway.ts';

let lifecycle: Lifecycle;
let url: string;
let client: RedisClient;
let writer: FeedWriter;
let prefix: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  prefix = uniquePrefix();
  lifecycle = new Lifecycle();
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  lifecycle.onStop('client', () => disconnect(client));
  const app = await startGateway({
    environment: { REDIS_URL: testRedis(), REJOIN_PREFIX: prefix, JWT_SECRET: TEST_JWT_SECRET, PORT: '0' },
    lifecycle,
    logger: silentLogger(),
  });
  url = app.url;
  writer = await FeedWriter.open(client, keyspace(prefix).partition(partitionOf('acme', 8)));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await lifecycle.stop();
});

async function connected(sub: string, roles: readonly string[] = []) {
  const token = tokenFor({ sub, tenant: 'acme', roles });
  const socket = io(url, { auth: { token }, transports: ['websocket'], forceNew: true });
  sockets.push(socket);
  const recorder = new EventRecorder(socket);
  await eventually(() => expect(recorder.readies).toHaveLength(1));
  return { socket, recorder };
}
const refused = (socket: Socket) =>
  new Promise<Error & { data?: unknown }>((resolve) => socket.once('connect_error', resolve));

const order = (id: string) => `acme:order%3A${id}`;
const user = (id: string) => `acme:user%3A${id}`;

describe('orders:watch', () => {
  it('lets staff watch any order of the tenant, until they unwatch it', async () => {
    const { socket, recorder } = await connected('s1', ['staff']);
    expect(await socket.emitWithAck('orders:watch', { orderId: '991' })).toEqual({
      ok: true,
      data: { watching: ['order:991'] },
    });
    await writer.write([{ id: 'seen', rooms: [order('991')] }]);
    await eventually(() => recorder.assertDelivered(['seen']));
    expect(await socket.emitWithAck('orders:unwatch', { orderId: '991' })).toEqual({
      ok: true,
      data: { watching: [] },
    });
    await writer.write([
      { id: 'unseen', rooms: [order('991')] },
      { id: 'last', rooms: [user('s1')] },
    ]);
    await eventually(() => recorder.assertDelivered(['seen', 'last']));
  });

  it('lets a customer watch an order whose events named them, and no other', async () => {
    await writer.write([
      { id: 'a', rooms: [user('c1'), order('1')] },
      { id: 'b', rooms: [user('c2'), order('2')] },
    ]);
    const { socket } = await connected('c1');
    expect(await socket.emitWithAck('orders:watch', { orderId: '1' })).toMatchObject({ ok: true });
    for (const orderId of ['2', '3']) {
      expect(await socket.emitWithAck('orders:watch', { orderId })).toMatchObject({ error: { code: 'FORBIDDEN' } });
    }
  });

  it('survives a reconnection', async () => {
    const { socket, recorder } = await connected('s1', ['staff']);
    await socket.emitWithAck('orders:watch', { orderId: '5' });
    socket.io.engine.close();
    await writer.write([{ id: 'missed', rooms: [order('5')] }]);
    await eventually(() => expect(recorder.readies[1]?.ready.watching).toEqual(['order:5']));
    await eventually(() => recorder.assertDelivered(['missed']));
  });

  it.each([undefined, {}, { orderId: '' }, { orderId: 5 }, { orderId: '1', more: true }])(
    'refuses %j',
    async (payload) => {
      const { socket } = await connected('s1', ['staff']);
      expect(await socket.emitWithAck('orders:watch', payload)).toMatchObject({ error: { code: 'INVALID_PAYLOAD' } });
    },
  );
});

describe('notifications', () => {
  const notification = (id: string, to = 'u1') => ({ id, type: 'notification.created', rooms: [user(to)] });
  const idsOf = (answer: { data: { items: { event: { id: string } }[] } }) =>
    answer.data.items.map(({ event }) => event.id);

  it('are listed newest first, in pages, with the number of unread ones', async () => {
    await writer.write([
      notification('n1'),
      { id: 'o1', rooms: [user('u1')] },
      notification('n2'),
      notification('other', 'u2'),
      notification('n3'),
    ]);
    const { socket } = await connected('u1');
    const first = await socket.emitWithAck('notifications:list', { limit: 2 });
    expect(idsOf(first)).toEqual(['n3', 'n2']);
    expect(first.data).toMatchObject({ unread: 3, unreadIsAtLeast: false });
    const second = await socket.emitWithAck('notifications:list', { limit: 2, before: first.data.next });
    expect(idsOf(second)).toEqual(['n1']);
    expect(second.data.next).toBeNull();
    expect(await socket.emitWithAck('notifications:list', { limit: 0 })).toMatchObject({
      error: { code: 'INVALID_PAYLOAD' },
    });
    expect(idsOf(await socket.emitWithAck('notifications:list'))).toEqual(['n3', 'n2', 'n1']);
  });

  it('are read as soon as an event in the room says so, and such events take no place in a page', async () => {
    await writer.write([
      notification('n1'),
      notification('n2'),
      ...Array.from({ length: 5 }, (_, n) => ({
        id: `r${n}`,
        type: 'notification.read',
        rooms: [user('u1')],
        data: { userId: 'u1', ids: n === 0 ? ['n1'] : [] },
      })),
      { id: 'odd', type: 'notification.read', rooms: [user('u1')], data: null },
    ]);
    const { socket } = await connected('u1');
    const { data } = await socket.emitWithAck('notifications:list', { limit: 2 });
    expect(data).toMatchObject({
      items: [
        { event: { id: 'n2' }, read: false },
        { event: { id: 'n1' }, read: true },
      ],
      unread: 1,
    });
  });

  it('that were read are marked so, and reading is an event of its own', async () => {
    await writer.write([notification('n1'), notification('n2')]);
    const { socket } = await connected('u1');
    expect(await socket.emitWithAck('notifications:read', { ids: ['n1', 'n1'] })).toEqual({
      ok: true,
      data: { ids: ['n1'] },
    });
    const list = await socket.emitWithAck('notifications:list', {});
    const marks = list.data.items.map(({ event, read }: { event: { id: string }; read: boolean }) => [event.id, read]);
    expect(marks).toEqual([
      ['n2', false],
      ['n1', true],
    ]);
    expect(list.data.unread).toBe(1);
    const events = await client.xrange(keyspace(prefix).partition(partitionOf('acme', 8)).events, '-', '+');
    expect(JSON.parse(events.at(-1)?.[1][1] as string)).toMatchObject({
      type: 'notification.read',
      tenantid: 'acme',
      audience: 'user:u1',
      data: { userId: 'u1', ids: ['n1'] },
    });
  });
});

describe('the handshake', () => {
  it.each([
    ['no token', undefined, 'AUTH_REQUIRED'],
    ['an expired token', tokenFor({ sub: 'u1', tenant: 'acme', expiresInS: -10 }), 'AUTH_EXPIRED'],
    ['another secret', tokenFor({ sub: 'u1', tenant: 'acme', secret: 'x'.repeat(40) }), 'AUTH_INVALID'],
    ['no tenant', tokenFor({ sub: 'service' }), 'AUTH_INVALID'],
  ])('with %s is refused', async (_name, token, code) => {
    const socket = io(url, { auth: { token }, transports: ['websocket'], forceNew: true });
    sockets.push(socket);
    expect((await refused(socket)).data).toEqual({ code, retryable: false });
  });

  it('of a page of another origin is refused, over polling and WebSocket', async () => {
    for (const transport of ['polling', 'websocket']) {
      const socket = io(url, {
        auth: { token: tokenFor({ sub: 'u1', tenant: 'acme' }) },
        transports: [transport],
        forceNew: true,
        extraHeaders: { origin: 'https://evil.example' },
      });
      sockets.push(socket);
      await refused(socket);
      expect(socket.connected).toBe(false);
    }
  });
});

describe('health', () => {
  it('is served on the gateway’s own port', async () => {
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ ready: true });
  });
});
