import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { formatCursor, parseCursor, partitionOf } from '@rejoin/protocol';
import { type EventRecorder, eventually } from '@rejoin/testing';
import { cut, Fixture, tenantRoom } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.close());

const readied = (recorder: EventRecorder, count = 1) => eventually(() => expect(recorder.readies).toHaveLength(count));
const keys = () => fixture.keys.partition(partitionOf('acme', 8));

/** A client's cursor after `behind` events, and the ids of the events that follow it. */
async function history(gateway: Awaited<ReturnType<Fixture['gateway']>>, missed: number) {
  const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
  await readied(recorder);
  const seen = await fixture.publish('acme', 2, [tenantRoom('acme')]);
  await eventually(() => recorder.assertDelivered(seen));
  const { _pid: pid } = socket as unknown as { _pid: string };
  socket.disconnect();
  const ids = await fixture.publish('acme', missed, [tenantRoom('acme')]);
  return { cursor: recorder.cursor as string, pid, ids };
}

async function resumeWith(gateway: Awaited<ReturnType<Fixture['gateway']>>, auth: Record<string, unknown>) {
  const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1', ...auth });
  await readied(recorder);
  return { socket, recorder, replay: recorder.readies[0]?.ready.replay };
}

describe('a gap is reported', () => {
  it('for a cursor below the floor: what is retained is replayed, and no pid is kept', async () => {
    const gateway = await fixture.gateway();
    const { cursor, pid, ids } = await history(gateway, 5);
    const entries = await fixture.client.xrange(keys().feed, '-', '+');
    const floor = entries.at(-4)?.[0] as string;
    await fixture.client.set(keys().floor, floor);
    await fixture.client.xtrim(keys().feed, 'MINID', entries.at(-3)?.[0] as string);
    const { socket, recorder, replay } = await resumeWith(gateway, { pid, offset: cursor });
    recorder.assertDelivered(ids.slice(-3));
    expect(replay).toMatchObject({ status: 'gap', reason: 'window', count: 3, from: cursor });
    expect(parseCursor((replay as { oldest: string }).oldest)?.entryId).toBe(floor);
    expect(socket.recovered).toBe(false);
    expect((socket as unknown as { _pid: string })._pid).not.toBe(pid);
    const next = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() => expect(recorder.ids()).toEqual([...ids.slice(-3), ...next]));
  });

  it('for another epoch, and the client goes on from where its history broke', async () => {
    const gateway = await fixture.gateway();
    const { cursor, ids } = await history(gateway, 2);
    const foreign = formatCursor({
      ...(parseCursor(cursor) as NonNullable<ReturnType<typeof parseCursor>>),
      epoch: 'elsewhere',
    });
    const { recorder, replay } = await resumeWith(gateway, { cursor: foreign });
    expect(replay).toMatchObject({ status: 'gap', reason: 'epoch', from: foreign });
    recorder.assertDelivered(ids);
  });

  it('for a cursor ahead of everything published, and live events flow', async () => {
    const gateway = await fixture.gateway();
    const { cursor } = await history(gateway, 2);
    const ahead = formatCursor({
      ...(parseCursor(cursor) as NonNullable<ReturnType<typeof parseCursor>>),
      entryId: '99999999999999-7',
    });
    const { recorder, replay } = await resumeWith(gateway, { cursor: ahead });
    expect(replay).toMatchObject({ status: 'gap', reason: 'ahead', count: 0 });
    const live = await fixture.publish('acme', 3, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(live));
  });

  it.each(['garbage', 'x'.repeat(10_000), '%00', '💥', 12, { a: 1 }, ['a']])(
    'for %p in place of a cursor',
    async (cursor) => {
      const gateway = await fixture.gateway();
      const { ids } = await history(gateway, 2);
      const { recorder, replay } = await resumeWith(gateway, { cursor });
      expect(replay).toMatchObject({ status: 'gap', reason: 'unreadable', from: null });
      expect(recorder.ids()).toEqual(expect.arrayContaining(ids));
    },
  );

  it('for another tenant’s cursor', async () => {
    const gateway = await fixture.gateway();
    const { cursor } = await history(gateway, 1);
    const other = Array.from({ length: 50 }, (_, i) => `t${i}`).find(
      (t) => partitionOf(t, 8) !== partitionOf('acme', 8),
    );
    const { replay } = await resumeWith(gateway, { token: `${other}/u1`, cursor });
    expect(replay).toMatchObject({ status: 'gap', reason: 'partition' });
  });

  it('for a payload that was lost from under its index', async () => {
    const gateway = await fixture.gateway();
    const { cursor, ids } = await history(gateway, 3);
    const entries = await fixture.client.xrange(keys().feed, '-', '+');
    await fixture.client.xdel(keys().feed, entries.at(-2)?.[0] as string);
    const { recorder, replay } = await resumeWith(gateway, { cursor });
    expect(replay).toMatchObject({ status: 'gap', reason: 'payload_missing', count: 2 });
    expect(recorder.ids()).toEqual([ids[0], ids[2]]);
  });
});

describe('a tail that may have missed something', () => {
  it('sends the partition’s clients away to resume, and they lose nothing', async () => {
    const gateway = await fixture.gateway();
    const { recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    const bystander = Array.from({ length: 50 }, (_, i) => `t${i}`).find(
      (t) => partitionOf(t, 8) !== partitionOf('acme', 8),
    );
    const other = fixture.connect(gateway, { token: `${bystander}/u1` });
    await readied(recorder);
    await readied(other.recorder);
    const seen = await fixture.publish('acme', 2, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(seen));
    // An entry that the tail never sees: a feed entry whose predecessor it does not know.
    const last = (await fixture.client.xrevrange(keys().feed, '+', '-', 'COUNT', 1))[0]?.[0] as string;
    const [hidden, next] = [`${last.split('-')[0]}-900`, `${last.split('-')[0]}-901`];
    const event = (id: string) => JSON.stringify({ id, type: 'order.paid', time: '2026-01-01T00:00:00Z' });
    await fixture.client
      .multi()
      .rpush(keys().room(tenantRoom('acme')), hidden, next)
      .xadd(keys().feed, next, 'route', `${hidden} acme order.paid ${tenantRoom('acme')}`, 'event', event('after'))
      .exec();
    await eventually(() => expect(recorder.closings).toHaveLength(1));
    expect(recorder.closings[0]).toMatchObject({ code: 'OVERLOADED', retryable: true });
    await readied(recorder, 2);
    expect(recorder.ids()).toEqual([...seen, 'after']);
    expect(recorder.readies[1]?.ready.replay).toMatchObject({ status: 'gap', reason: 'payload_missing' });
    expect(other.recorder.closings).toEqual([]);
  });

  it('reports a gap to clients whose partition lost its data', async () => {
    const gateway = await fixture.gateway();
    const { recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    const seen = await fixture.publish('acme', 2, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(seen));
    await fixture.client.del(keys().feed, keys().events, keys().room(tenantRoom('acme')));
    await readied(recorder, 2);
    expect(recorder.readies[1]?.ready.replay).toMatchObject({ status: 'gap', reason: 'epoch' });
  }, 15_000);
});

describe('a stopping gateway', () => {
  it('tells its clients to come back elsewhere, and refuses new ones', async () => {
    const [one, two] = [await fixture.gateway(), await fixture.gateway()];
    const { socket, recorder } = fixture.connect(one, { token: 'acme/u1' });
    await readied(recorder);
    (socket.io as unknown as { uri: string }).uri = two.url;
    const stopping = one.gateway.stop();
    const late = fixture.connect(one, { token: 'acme/u1' }, { reconnection: false });
    const error = await new Promise<Error & { data?: unknown }>((resolve) =>
      late.socket.once('connect_error', resolve),
    );
    expect(error.data).toMatchObject({ code: 'DRAINING', retryable: true, retryAfterMs: expect.any(Number) });
    await stopping;
    await eventually(() => expect(recorder.closings[0]).toMatchObject({ code: 'DRAINING', retryable: true }));
    await readied(recorder, 2);
    const ids = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(ids));
  });
});

describe('a client that does not read', () => {
  it('is told why it is cut off where it reads again in time', async () => {
    const gateway = await fixture.gateway({ bounds: { maxBufferedBytes: 256 * 1024 } });
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/slow' });
    await readied(recorder);
    const server = gateway.io.sockets.sockets.get(socket.id as string);
    const net = (socket.io.engine.transport as unknown as { ws: { _socket: { pause(): void; resume(): void } } }).ws
      ._socket;
    net.pause();
    await eventually(
      async () => {
        await fixture.publish('acme', 100, [tenantRoom('acme')], { data: 'x'.repeat(8_000) });
        return server && gateway.gateway.connectionOf(server)?.state === 'closing';
      },
      { timeoutMs: 20_000 },
    );
    net.resume();
    await eventually(() => expect(recorder.closings).toHaveLength(1));
    expect(recorder.closings[0]).toMatchObject({ code: 'SLOW_CONSUMER', retryable: true });
  }, 60_000);

  it('is told so, ended, and resumes without loss, while its neighbours go on', async () => {
    const gateway = await fixture.gateway({ bounds: { maxBufferedBytes: 256 * 1024 } });
    const slow = fixture.connect(gateway, { token: 'acme/slow' });
    const quick = fixture.connect(gateway, { token: 'acme/quick' });
    await readied(slow.recorder);
    await readied(quick.recorder);
    const net = (slow.socket.io.engine.transport as unknown as { ws: { _socket: { pause(): void; resume(): void } } })
      .ws._socket;
    net.pause();
    const data = 'x'.repeat(8_000);
    const ids: string[] = [];
    await eventually(
      async () => {
        ids.push(...(await fixture.publish('acme', 100, [tenantRoom('acme')], { data })));
        const states = [...gateway.io.sockets.sockets.values()].map((s) => gateway.gateway.connectionOf(s)?.state);
        return states.includes('closing');
      },
      { timeoutMs: 20_000 },
    );
    await eventually(() => quick.recorder.assertDelivered(ids));
    await eventually(() => expect(gateway.gateway.connectionCount).toBe(1), { timeoutMs: 10_000 });
    net.resume();
    await readied(slow.recorder, 2);
    await eventually(() => slow.recorder.assertDelivered(ids));
    cut(quick.socket);
  }, 60_000);
});
