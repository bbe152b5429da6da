import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ClientEvent, partitionOf, roomOf } from '@rejoin/protocol';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { EventRecorder, eventually, FeedWriter, testRedis, tokenFor, uniquePrefix } from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';
import { RunningGateway } from './running-gateway.ts';

/** A busy machine is no failure. */
const PATIENCE = { timeoutMs: 15_000 } as const;
const TENANT = 'acme';
/** Another tenant whose events are in the same partition, so in the same feed. */
const NEIGHBOUR = neighbourOf(TENANT);

function neighbourOf(tenant: string): string {
  for (let n = 0; ; n++) if (partitionOf(`t${n}`, 8) === partitionOf(tenant, 8)) return `t${n}`;
}

let gateway: RunningGateway;
let client: RedisClient;
let writer: FeedWriter;
const sockets: Socket[] = [];
beforeAll(async () => {
  gateway = await RunningGateway.start();
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  writer = await FeedWriter.open(client, keyspace(gateway.prefix).partition(partitionOf(TENANT, 8)));
});
afterAll(async () => {
  disconnect(client);
  await gateway.stop();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

/** Order and customer of one test. */
let order: string;
let customer: string;
beforeEach(() => {
  order = uniquePrefix();
  customer = uniquePrefix();
});

async function connected(tenant: string, sub: string, roles: readonly string[] = [], auth: object = {}) {
  const token = tokenFor({ sub, tenant, roles });
  const socket = io(gateway.url, { auth: { token, ...auth }, transports: ['websocket'], forceNew: true });
  sockets.push(socket);
  const recorder = new EventRecorder(socket);
  await eventually(() => expect(recorder.readies).toHaveLength(1), PATIENCE);
  return { socket, recorder };
}
const roomOfOrder = (tenant: string, id = order) => roomOf(tenant, { kind: 'resource', resource: 'order', id });
const roomOfUser = (tenant: string, id = customer) => roomOf(tenant, { kind: 'user', id });

/** Writes an event of that tenant to rooms that are named. */
async function tell(tenant: string, rooms: readonly string[], type = 'order.paid'): Promise<string> {
  const id = uniquePrefix();
  await writer.write([{ id, tenant, rooms, type }]);
  return id;
}

/** Exactly these came to it, of all that was written until now. */
async function expectOnly(recorder: EventRecorder, own: () => Promise<string>, ...ids: readonly string[]) {
  const last = await own();
  await eventually(() => recorder.assertDelivered([...ids, last]), PATIENCE);
}

describe('G4 a user of the same name in another tenant', () => {
  it('G4 may not watch an order whose events named their namesake', async () => {
    await tell(TENANT, [roomOfUser(TENANT), roomOfOrder(TENANT)]);
    const namesake = await connected(NEIGHBOUR, customer);
    expect(await namesake.socket.emitWithAck('orders:watch', { orderId: order })).toMatchObject({
      error: { code: 'FORBIDDEN' },
    });
    const own = await connected(TENANT, customer);
    expect(await own.socket.emitWithAck('orders:watch', { orderId: order })).toMatchObject({ ok: true });
  });

  it('G4 lists none of their notifications, whatever page they ask for', async () => {
    const type = 'notification.created';
    const theirs = await tell(TENANT, [roomOfUser(TENANT)], type);
    const ours = await tell(NEIGHBOUR, [roomOfUser(NEIGHBOUR)], type);
    await tell(TENANT, [roomOfUser(TENANT)], type);
    const idsOf = (answer: { data: { items: { event: ClientEvent }[] } }) =>
      answer.data.items.map(({ event }) => event.id);
    const own = await connected(TENANT, customer);
    const { next } = (await own.socket.emitWithAck('notifications:list', { limit: 1 })).data;
    expect(idsOf(await own.socket.emitWithAck('notifications:list', { before: next }))).toEqual([theirs]);
    const namesake = await connected(NEIGHBOUR, customer);
    expect(idsOf(await namesake.socket.emitWithAck('notifications:list', { before: next }))).toEqual([ours]);
  });
});

describe('G4 staff of another tenant', () => {
  it('G4 who watch an order of the same number see their own tenant’s alone, live and after a resume', async () => {
    const { socket, recorder } = await connected(NEIGHBOUR, 's1', ['staff']);
    expect(await socket.emitWithAck('orders:watch', { orderId: order })).toMatchObject({ ok: true });
    await tell(TENANT, [roomOfOrder(TENANT), roomOfUser(TENANT, 's1'), roomOf(TENANT, { kind: 'role', id: 'staff' })]);
    const first = await tell(NEIGHBOUR, [roomOfOrder(NEIGHBOUR)]);
    await eventually(() => recorder.assertDelivered([first]), PATIENCE);
    socket.disconnect();
    await tell(TENANT, [roomOfOrder(TENANT)]);
    const missed = await tell(NEIGHBOUR, [roomOfOrder(NEIGHBOUR)]);
    socket.connect();
    await eventually(() => expect(recorder.readies).toHaveLength(2), PATIENCE);
    expect(recorder.readies[1]?.ready).toMatchObject({ replay: { status: 'complete', count: 1 } });
    recorder.assertDelivered([first, missed]);
  });

  it.each(['websocket session', 'handshake alone'])(
    'G4 are replayed nothing of a tenant whose cursor they bring, by %s',
    async (way) => {
      const own = await connected(TENANT, 's1', ['staff'], { watch: [`order:${order}`] });
      const { cursor } = own.recorder;
      const { _pid: pid } = own.socket as unknown as { _pid: string };
      await tell(TENANT, [roomOfOrder(TENANT), roomOfUser(TENANT), `${TENANT}:tenant`]);
      const seen = await tell(NEIGHBOUR, [`${NEIGHBOUR}:tenant`]);
      const session = way === 'handshake alone' ? {} : { pid, offset: cursor };
      const thief = await connected(NEIGHBOUR, 's1', ['staff'], { cursor, watch: [`order:${order}`], ...session });
      await expectOnly(thief.recorder, () => tell(NEIGHBOUR, [roomOfUser(NEIGHBOUR, 's1')]), seen);
      expect((thief.socket as unknown as { _pid: string })._pid).not.toBe(pid);
      expect(await thief.socket.emitWithAck('session:ack', { cursor })).toMatchObject({ ok: true });
    },
  );
});

describe('G4 an order whose number looks like something else', () => {
  it.each([
    ['a room of another tenant', () => roomOfOrder(TENANT)],
    ['the end of such a room', () => `%3A${order}`],
    ['two orders', () => `x,order:${order}`],
    ['an order of an order', () => `x:${order}`],
    ['a wildcard', () => '*'],
    ['a character class', () => '[a-z0-9]*'],
    ['a hash tag', () => `{${order}}`],
    ['a key', () => keyspace(gateway.prefix).partition(partitionOf(TENANT, 8)).room(roomOfOrder(TENANT))],
    ['a way up', () => `../${TENANT}/${order}`],
    ['another with a space before it', () => ` ${order}`],
    ['a property', () => '__proto__'],
  ])('G4 such as %s is that order and no other, live and after a resume', async (_name, crafted) => {
    const id = crafted();
    const { socket, recorder } = await connected(NEIGHBOUR, 's1', ['staff']);
    expect(await socket.emitWithAck('orders:watch', { orderId: id })).toEqual({
      ok: true,
      data: { watching: [`order:${id}`] },
    });
    const others = [roomOfOrder(TENANT), roomOfOrder(TENANT, id)];
    await tell(TENANT, others);
    await tell(NEIGHBOUR, [roomOfOrder(NEIGHBOUR)]);
    const live = await tell(NEIGHBOUR, [roomOfOrder(NEIGHBOUR, id)]);
    await eventually(() => recorder.assertDelivered([live]), PATIENCE);
    socket.disconnect();
    await tell(TENANT, others);
    const missed = await tell(NEIGHBOUR, [roomOfOrder(NEIGHBOUR, id)]);
    socket.connect();
    await eventually(() => expect(recorder.readies[1]?.ready.watching).toEqual([`order:${id}`]), PATIENCE);
    await eventually(() => recorder.assertDelivered([live, missed]), PATIENCE);
  });

  it.each([
    ['ends with a space', '1 '],
    ['ends with a line', '1\n'],
    ['has a NUL', '1\u0000'],
    ['has half a character', '\ud800'],
    ['has a noncharacter', '\uffff'],
  ])('is no order where it %s', async (_name, id) => {
    const { socket, recorder } = await connected(NEIGHBOUR, 's1', ['staff']);
    expect(await socket.emitWithAck('orders:watch', { orderId: id })).toMatchObject({
      error: { code: 'INVALID_PAYLOAD', retryable: false },
    });
    // It left nothing that would be in the way of a return.
    socket.io.engine.close();
    await eventually(() => expect(recorder.readies).toHaveLength(2), PATIENCE);
    expect(recorder.readies[1]?.ready).toMatchObject({ replay: { status: 'complete', count: 0 }, watching: [] });
  });
});
