import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCursor } from '@rejoin/protocol';
import { type EventRecorder, eventually } from '@rejoin/testing';
import type { Socket as ServerSocket } from 'socket.io';
import { cut, Fixture, orderRoom, tenantRoom, userRoom } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.close());

const readied = (recorder: EventRecorder, count = 1) => eventually(() => expect(recorder.readies).toHaveLength(count));
const lastReady = (recorder: EventRecorder) => recorder.readies.at(-1)?.ready;

/** Watches an order the way a command does: when the connection is live. */
async function watch(
  { gateway }: Awaited<ReturnType<Fixture['gateway']>>,
  socket: ServerSocket,
  id: string,
): Promise<void> {
  const connection = gateway.connectionOf(socket);
  if (!connection) throw new Error('not connected');
  await connection.settled();
  await gateway.membership.watch(connection, { kind: 'resource', resource: 'order', id });
}

describe('a new client', () => {
  it('is ready at once, with a cursor, and receives what happens from then on', async () => {
    const gateway = await fixture.gateway();
    await fixture.publish('acme', 3, [tenantRoom('acme')]);
    const { recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    expect(lastReady(recorder)).toEqual({ replay: { status: 'none', count: 0 }, watching: [] });
    expect(parseCursor(recorder.readies[0]?.cursor)).not.toBeNull();
    const ids = await fixture.publish('acme', 5, [userRoom('acme', 'u1'), tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(ids));
    expect(recorder.events[0]?.event).toMatchObject({ id: ids[0], type: 'order.paid', data: {} });
  });

  it('receives only the types it asks for, and its cursor moves over the others', async () => {
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1', events: ['order.*'] });
    await readied(recorder);
    await fixture.publish('acme', 2, [tenantRoom('acme')], { type: 'invoice.sent' });
    const wanted = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(wanted));
    cut(socket);
    const missed = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await fixture.publish('acme', 1, [tenantRoom('acme')], { type: 'invoice.sent' });
    await readied(recorder, 2);
    expect(lastReady(recorder)?.replay).toEqual({ status: 'complete', count: 1 });
    await eventually(() => recorder.assertDelivered([...wanted, ...missed]));
  });
});

describe('a client that was away', () => {
  it('receives what it missed and is recovered in the eyes of a stock client', async () => {
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    const sid = socket.id;
    const first = await fixture.publish('acme', 2, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(first));
    socket.io.engine.close();
    const missed = await fixture.publish('acme', 300, [userRoom('acme', 'u1')]);
    await readied(recorder, 2);
    await eventually(() => recorder.assertDelivered([...first, ...missed]));
    expect(socket.recovered).toBe(true);
    expect(socket.id).not.toBe(sid);
    expect(lastReady(recorder)?.replay.status).toBe('complete');
  });

  it('resumes on another gateway, also after the first is gone', async () => {
    const [one, two] = [await fixture.gateway(), await fixture.gateway()];
    const { socket, recorder } = fixture.connect(one, { token: 'acme/u1' });
    await readied(recorder);
    (socket.io as unknown as { uri: string }).uri = two.url;
    await one.stop();
    const missed = await fixture.publish('acme', 20, [tenantRoom('acme')]);
    await readied(recorder, 2);
    await eventually(() => recorder.assertDelivered(missed));
    expect(socket.recovered).toBe(true);
  });

  it('resumes on a new page with nothing but its cursor', async () => {
    const gateway = await fixture.gateway();
    const page = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(page.recorder);
    page.socket.disconnect();
    const missed = await fixture.publish('acme', 3, [tenantRoom('acme')]);
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1', cursor: page.recorder.cursor });
    await readied(recorder);
    await eventually(() => recorder.assertDelivered(missed));
    expect(socket.recovered).toBeFalsy();
  });

  it('takes the newer of cursor and offset', async () => {
    const gateway = await fixture.gateway();
    const probe = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(probe.recorder);
    const older = probe.recorder.cursor as string;
    const first = await fixture.publish('acme', 2, [tenantRoom('acme')]);
    await eventually(() => probe.recorder.assertDelivered(first));
    const newer = probe.recorder.cursor as string;
    const missed = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    for (const auth of [
      { cursor: older, offset: newer },
      { cursor: newer, offset: older },
      { cursor: newer, offset: 'rubbish' },
    ]) {
      const { recorder } = fixture.connect(gateway, { token: 'acme/u1', ...auth });
      await readied(recorder);
      expect(lastReady(recorder)?.replay).toEqual({ status: 'complete', count: 1 });
      recorder.assertDelivered(missed);
    }
  });

  it('replays while events keep coming, also where the queue overflows', async () => {
    const gateway = await fixture.gateway({ bounds: { maxQueuedEntries: 2 } });
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    socket.io.engine.close();
    const ids = await fixture.publish('acme', 600, [tenantRoom('acme')]);
    const publishing = (async () => {
      while (recorder.readies.length < 2) ids.push(...(await fixture.publish('acme', 7, [tenantRoom('acme')])));
      ids.push(...(await fixture.publish('acme', 7, [tenantRoom('acme')])));
    })();
    await readied(recorder, 2);
    await publishing;
    await eventually(() => recorder.assertDelivered(ids));
  });

  it('has its watches again, with what happened to them, and no history from before', async () => {
    const gateway = await fixture.gateway();
    const auth = { token: 'acme/u1/staff' };
    const { socket, recorder } = fixture.connect(gateway, auth);
    const probe = fixture.connect(gateway, { token: 'acme/probe' });
    await readied(recorder);
    await readied(probe.recorder);
    const history = await fixture.publish('acme', 2, [orderRoom('acme', '991'), userRoom('acme', 'probe')]);
    await eventually(() => probe.recorder.assertDelivered(history));
    const server = await eventually(() => gateway.io.sockets.sockets.get(socket.id as string) ?? null);
    await watch(gateway, server, '991');
    const live = await fixture.publish('acme', 1, [orderRoom('acme', '991')]);
    await eventually(() => recorder.assertDelivered(live));
    cut(socket);
    const missed = await fixture.publish('acme', 2, [orderRoom('acme', '991')]);
    await readied(recorder, 2);
    expect(lastReady(recorder)?.watching).toEqual(['order:991']);
    await eventually(() => recorder.assertDelivered([...live, ...missed]));
  });

  it('holds a watch back while it is being replayed to', async () => {
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1/staff' });
    await readied(recorder);
    const order: string[] = [];
    gateway.io.on('connection', (again) => {
      void watch(gateway, again, '5').then(() =>
        order.push(`watched while ${gateway.gateway.connectionOf(again)?.state}`),
      );
    });
    cut(socket);
    const history = await fixture.publish('acme', 3, [orderRoom('acme', '5')]);
    const missed = await fixture.publish('acme', 400, [tenantRoom('acme')]);
    await readied(recorder, 2);
    await eventually(() => expect(order).toEqual(['watched while live']));
    const live = await fixture.publish('acme', 1, [orderRoom('acme', '5')]);
    await eventually(() => recorder.assertDelivered([...missed, ...live]));
    expect(recorder.ids()).not.toContain(history[0]);
  });

  it('is not silenced by the clean-up of its half-open old socket', async () => {
    const gateway = await fixture.gateway();
    const old = fixture.connect(gateway, { token: 'acme/u1' }, { reconnection: false });
    await readied(old.recorder);
    const { _pid: pid } = old.socket as unknown as { _pid: string };
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1', pid, offset: old.recorder.cursor });
    await readied(recorder);
    expect(socket.id).not.toBe(old.socket.id);
    old.socket.disconnect();
    await eventually(() => expect(gateway.gateway.connectionCount).toBe(1));
    const ids = await fixture.publish('acme', 3, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(ids));
  });

  it('works over long-polling too', async () => {
    const gateway = await fixture.gateway();
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/u1' }, { transports: ['polling'] });
    await readied(recorder);
    cut(socket);
    const missed = await fixture.publish('acme', 300, [tenantRoom('acme')]);
    await readied(recorder, 2);
    await eventually(() => recorder.assertDelivered(missed));
  });
});

describe('a quiet client', () => {
  it('is told the tail’s position, so that its cursor does not grow old', async () => {
    const gateway = await fixture.gateway({ windowMs: 2_400 });
    const { recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    const before = recorder.cursor;
    await fixture.publish('acme', 1, [userRoom('acme', 'somebody-else')]);
    await eventually(() => expect(recorder.cursor).not.toBe(before));
    expect(recorder.events).toEqual([]);
  });
});
