import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { partitionOf } from '@rejoin/protocol';
import { revoke } from '@rejoin/socketio';
import { deadLetterRecord, trimFeed } from '@rejoin/streams';
import { eventually } from '@rejoin/testing';
import * as v from 'valibot';
import { traceView } from '../src/index.ts';
import { OperationsSystem, type TestGateway } from './operations-system.ts';

const EVERYTHING = { user: 'olga', tenant: null };
const TENANT = ['acme:tenant'];
let system: OperationsSystem;
let gateway: TestGateway;

beforeAll(async () => {
  system = new OperationsSystem();
  gateway = await system.gateway();
});

afterAll(() => system.close());

const trace = (id: string, user?: string) =>
  system.operations.traces.trace(EVERYTHING, id, { tenant: 'acme', ...(user === undefined ? {} : { user }) });

async function verdictFor(id: string, user: string) {
  const { verdict } = await trace(id, user);
  return verdict;
}

describe('a trace', () => {
  it('finds an event by its id, its entry ID or its cursor, and follows it to the sockets', async () => {
    const { recorder } = await system.connect(gateway, 'acme/t-1');
    const entryId = await system.publish('t-1', 'acme', TENANT);
    await eventually(() => recorder.ids().includes('t-1'));
    const byId = await system.operations.traces.trace(EVERYTHING, 't-1');
    expect(v.parse(traceView, byId)).toEqual(byId);
    expect(byId).toMatchObject({
      eventId: 't-1',
      entryId,
      tenant: 'acme',
      state: 'fanned_out',
      audience: ['tenant'],
      others: [],
    });
    expect(byId.gateways).toMatchObject([{ answered: true, reached: true, connections: 1, written: 1 }]);
    expect(byId.steps.map(({ stage }) => stage)).toEqual(['published', 'fanned_out', 'gateway', 'delivered']);
    expect(await trace(byId.cursor)).toMatchObject({ eventId: 't-1' });
    expect(await trace(entryId)).toMatchObject({ eventId: 't-1' });
  });

  it('of what is not there, or another tenant’s, is not found', async () => {
    await expect(trace('nobody-published-this')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await system.publish('theirs', 'acme', TENANT);
    const bolt = { user: 'bea', tenant: 'bolt' };
    await expect(system.operations.traces.trace(bolt, 'theirs')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(system.operations.traces.trace(bolt, 'theirs', { tenant: 'acme' })).rejects.toMatchObject({
      code: 'TENANT_FORBIDDEN',
    });
  });
});

describe('why a user did not get an event', () => {
  it('delivered, and then acknowledged', async () => {
    const { socket, recorder } = await system.connect(gateway, 'acme/ada');
    await system.publish('v-ack', 'acme', ['acme:user%3Aada']);
    await eventually(() => recorder.ids().includes('v-ack'));
    expect(await verdictFor('v-ack', 'ada')).toMatchObject({
      verdict: 'DELIVERED',
      evidence: [expect.stringContaining('cursor')],
    });
    const { cursor } = await trace('v-ack');
    await socket.emitWithAck('session:ack', { cursor });
    expect(await verdictFor('v-ack', 'ada')).toMatchObject({ verdict: 'DELIVERED_ACKNOWLEDGED' });
    socket.disconnect();
    await eventually(async () =>
      expect(await verdictFor('v-ack', 'ada')).toMatchObject({ verdict: 'DELIVERED_ACKNOWLEDGED' }),
    );
  });

  it('acknowledged by coming back with a cursor behind it', async () => {
    await system.publish('v-resumed', 'acme', TENANT);
    const { cursor } = await trace('v-resumed');
    await system.connect(gateway, 'acme/rob', { cursor });
    expect(await verdictFor('v-resumed', 'rob')).toMatchObject({
      verdict: 'DELIVERED_ACKNOWLEDGED',
      summary: expect.stringContaining('came back'),
    });
  });

  it('offline: never here, or here only afterwards and without a cursor', async () => {
    await system.publish('v-off', 'acme', ['acme:user%3Aoff']);
    expect(await verdictFor('v-off', 'off')).toMatchObject({ verdict: 'OFFLINE' });
    await system.reached('v-off');
    await system.connect(gateway, 'acme/off');
    expect(await verdictFor('v-off', 'off')).toMatchObject({
      verdict: 'OFFLINE',
      summary: expect.stringContaining('without a cursor'),
    });
  });

  it('not in the audience', async () => {
    await system.connect(gateway, 'acme/out/staff');
    await system.publish('v-role', 'acme', ['acme:role%3Aboss']);
    await system.reached('v-role');
    expect(await verdictFor('v-role', 'out')).toMatchObject({ verdict: 'NOT_IN_AUDIENCE' });
    await system.publish('v-other', 'acme', ['acme:user%3Asomebody']);
    expect(await verdictFor('v-other', 'never-seen')).toMatchObject({ verdict: 'NOT_IN_AUDIENCE' });
  });

  it('filtered by the client', async () => {
    await system.connect(gateway, 'acme/fil', { events: ['note.*'] });
    await system.publish('v-fil', 'acme', TENANT);
    await system.reached('v-fil');
    expect(await verdictFor('v-fil', 'fil')).toMatchObject({ verdict: 'FILTERED' });
  });

  it('slow', async () => {
    const bounds = { maxBufferedBytes: 1 };
    const narrow = await system.gateway({ bounds });
    const { socket } = await system.connect(narrow, 'acme/slo');
    // It stops to read, so that what is written waits.
    const { ws } = socket.io.engine.transport as unknown as { readonly ws: { readonly _socket: Socket } };
    ws._socket.pause();
    const big = 'x'.repeat(60_000);
    const writer = await system.writer('acme');
    await writer.write(
      Array.from({ length: 200 }, (_, i) => ({
        id: `v-slow-${i}`,
        tenant: 'acme',
        rooms: ['acme:user%3Aslo'],
        data: { big },
      })),
    );
    await eventually(async () => expect(await verdictFor('v-slow-199', 'slo')).toMatchObject({ verdict: 'SLOW' }), {
      timeoutMs: 10_000,
    });
    ws._socket.destroy();
  });

  it('blocked by an operator, or revoked', async () => {
    await system.publish('v-shut', 'acme', TENANT);
    await revoke(system.client, system.keys, { kind: 'user', tenantId: 'acme', userId: 'rev' }, 60_000);
    expect(await verdictFor('v-shut', 'rev')).toMatchObject({ verdict: 'REVOKED' });
    await system.operations.connections.disconnect(EVERYTHING, {
      tenant: 'acme',
      user: 'blo',
      reason: 'abuse',
      blockMs: 60_000,
    });
    expect(await verdictFor('v-shut', 'blo')).toMatchObject({
      verdict: 'BLOCKED',
      evidence: [expect.stringContaining('until')],
    });
  });

  it('revoked by its token', async () => {
    const { socket } = await system.connect(gateway, 'acme/tok');
    await revoke(system.client, system.keys, { kind: 'token', tokenId: 'jti of acme/tok' }, 60_000);
    await eventually(() => !socket.connected);
    await system.publish('v-tok', 'acme', TENANT);
    await eventually(async () => expect(await verdictFor('v-tok', 'tok')).toMatchObject({ verdict: 'REVOKED' }));
  });

  it('dead-lettered, or no rule for it', async () => {
    const writer = await system.writer('acme');
    for (const [id, code] of [
      ['v-dead', 'INVALID_EVENT'],
      ['v-rule', 'NO_AUDIENCE_RULE'],
    ] as const) {
      const [item] = await writer.take([{ id, tenant: 'acme', rooms: [] }]);
      const { entryId } = item as { entryId: string };
      const parsed = { id, tenantid: 'acme', type: 'order.paid' };
      const record = deadLetterRecord({ entryId, event: '{}', parsed, code, message: 'bad', failedAtMs: Date.now() });
      await writer.fanOut([{ kind: 'dead', entryId, code, record, failedAtMs: Date.now() }]);
    }
    expect(await verdictFor('v-dead', 'ada')).toMatchObject({
      verdict: 'DEAD_LETTERED',
      evidence: [expect.stringContaining('INVALID_EVENT')],
    });
    expect(await verdictFor('v-rule', 'ada')).toMatchObject({ verdict: 'NO_RULE' });
    expect((await trace('v-dead')).deadLetterId).toMatch(/^\d+\.\d+-\d+$/);
  });

  it('trimmed', async () => {
    const writer = await system.writer('dune');
    await system.publish('v-trim', 'dune', ['dune:tenant']);
    const keys = system.keys.partition(partitionOf('dune', 8));
    await trimFeed(system.client, keys, writer.token, { windowMs: 86_400_000, excessBytes: 1 });
    const { verdict } = await system.operations.traces.trace(EVERYTHING, 'v-trim', { tenant: 'dune', user: 'ada' });
    expect(verdict).toMatchObject({ verdict: 'TRIMMED' });
  });

  it('still waiting', async () => {
    const { events } = system.keys.partition(partitionOf('acme', 8));
    const event = {
      specversion: '1.0',
      id: 'v-wait',
      source: '/o',
      type: 'order.paid',
      tenantid: 'acme',
      audience: 'tenant',
    };
    await system.client.xadd(events, '*', 'event', JSON.stringify(event));
    expect(await verdictFor('v-wait', 'ada')).toMatchObject({
      verdict: 'WAITING',
      evidence: [expect.any(String), expect.stringContaining('partition')],
    });
    expect(await trace('v-wait')).toMatchObject({ state: 'waiting', audience: null, complete: true });
  });
});

describe('an event that waits', () => {
  let waiting: OperationsSystem;
  const WAITING = 3_000;
  const textOf = (id: string) =>
    JSON.stringify({ specversion: '1.0', id, source: '/o', type: 'order.paid', tenantid: 'acme', audience: 'tenant' });

  beforeAll(async () => {
    waiting = new OperationsSystem({ traceMs: 60_000 });
    const pipeline = waiting.client.pipeline();
    const { events } = waiting.keys.partition(partitionOf('acme', 8));
    for (let n = 0; n < WAITING; n++) {
      // As some writers of JSON escape what is not ASCII.
      const text = n === 1_700 ? textOf('grüße/1').replace('ü', '\\u00fc').replace('ß', '\\u00DF') : textOf(`w-${n}`);
      pipeline.xadd(events, '*', 'event', text.replace('/', n === 1_700 ? '\\/' : '/'));
    }
    await pipeline.exec();
  });

  afterAll(() => waiting.close());

  it.each(['w-0', `w-${WAITING / 2}`, 'w-2400', `w-${WAITING - 1}`, 'grüße/1'])(
    'is found by its id wherever it stands among thousands: %s',
    async (id) => {
      const found = await waiting.operations.traces.trace(EVERYTHING, id, { user: 'ada' });
      expect(found).toMatchObject({ eventId: id, state: 'waiting', complete: true, verdict: { verdict: 'WAITING' } });
    },
  );

  it('is never said to be nowhere, where not all that wait were looked at', async () => {
    const hasty = new OperationsSystem({ keys: waiting.keys, traceMs: 0 });
    const { traces } = hasty.operations;
    try {
      await expect(traces.trace(EVERYTHING, 'w-1500')).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('200 were looked at'),
      });
      await expect(waiting.operations.traces.trace(EVERYTHING, 'none')).rejects.toMatchObject({
        message: expect.stringMatching(/and none waits$/),
      });
      await waiting.publish('twice', 'bolt', ['bolt:tenant']);
      const found = await traces.trace(EVERYTHING, 'twice', { user: 'ada' });
      expect(found).toMatchObject({ state: 'fanned_out', complete: false });
      // What was handled is worth no long search for another of its name, however much time there would be.
      const handled = await waiting.operations.traces.trace(EVERYTHING, 'twice');
      expect(handled).toMatchObject({ state: 'fanned_out', complete: false });
      expect(found.verdict?.evidence.at(-1)).toContain('another one of them may have this id');
    } finally {
      await hasty.close();
    }
  });
});
