import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventRecorder, eventually } from '@rejoin/testing';
import type { Socket } from 'socket.io-client';
import { Fixture, orderRoom, tenantRoom, userRoom } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.close());

const readied = (recorder: EventRecorder, count = 1) => eventually(() => expect(recorder.readies).toHaveLength(count));
const refused = (socket: Socket) =>
  new Promise<Error & { data?: unknown }>((resolve) => socket.once('connect_error', resolve));

/** Everything that reaches a client after its transport opened, as text. */
function wireOf(socket: Socket): string[] {
  const wire: string[] = [];
  socket.io.on('open', () => {
    (socket.io.engine as unknown as { on(name: string, listener: (data: string) => void): void }).on('data', (data) =>
      wire.push(String(data)),
    );
  });
  return wire;
}

async function victim(gateway: Awaited<ReturnType<Fixture['gateway']>>) {
  const { socket, recorder } = fixture.connect(gateway, { token: 'acme/alice/staff', watch: ['order:1'] });
  await readied(recorder);
  const { _pid: pid } = socket as unknown as { _pid: string };
  const cursor = recorder.cursor as string;
  await fixture.publish('acme', 3, [tenantRoom('acme'), userRoom('acme', 'alice'), orderRoom('acme', '1')], {
    data: 'SECRET',
  });
  return { pid, cursor };
}

describe('a stranger with somebody’s pid, offset and cursor', () => {
  it.each([
    ['no token', {}, 'AUTH_REQUIRED'],
    ['a bad token', { token: 'rubbish' }, 'AUTH_INVALID'],
  ])('and %s is refused with nothing on the wire', async (_name, auth, code) => {
    const gateway = await fixture.gateway();
    const { pid, cursor } = await victim(gateway);
    const { socket } = fixture.connect(gateway, { ...auth, pid, offset: cursor, cursor });
    const wire = wireOf(socket);
    const error = await refused(socket);
    expect(error.data).toMatchObject({ code, retryable: false });
    expect(wire.join()).not.toContain('SECRET');
    expect(gateway.gateway.connectionCount).toBe(1);
  });

  it('and another tenant’s token receives nothing of it, joins none of its rooms and gets a pid of its own', async () => {
    const gateway = await fixture.gateway();
    const { pid, cursor } = await victim(gateway);
    const { socket, recorder } = fixture.connect(gateway, { token: 'globex/alice/staff', pid, offset: cursor, cursor });
    const wire = wireOf(socket);
    await readied(recorder);
    await fixture.publish('acme', 3, [tenantRoom('acme'), userRoom('acme', 'alice')], { data: 'SECRET' });
    const own = await fixture.publish('globex', 1, [tenantRoom('globex')]);
    await eventually(() => expect(recorder.ids()).toContain(own[0]));
    expect(wire.join()).not.toContain('SECRET');
    expect(socket.recovered).toBeFalsy();
    expect((socket as unknown as { _pid: string })._pid).not.toBe(pid);
    expect(recorder.readies[0]?.ready.watching).toEqual([]);
    const rooms = gateway.io.sockets.sockets.get(socket.id as string)?.rooms ?? new Set();
    expect([...rooms].filter((room) => room.startsWith('acme'))).toEqual([]);
  });

  it('and another user’s token of the tenant sees what that user may see, and no watch of the victim', async () => {
    const gateway = await fixture.gateway();
    const { pid, cursor } = await victim(gateway);
    await fixture.publish('acme', 1, [userRoom('acme', 'alice')], { data: 'FOR ALICE' });
    const { socket, recorder } = fixture.connect(gateway, { token: 'acme/mallory', pid, offset: cursor });
    const wire = wireOf(socket);
    await readied(recorder);
    expect(recorder.readies[0]?.ready).toMatchObject({ replay: { status: 'complete', count: 3 }, watching: [] });
    expect(wire.join()).not.toContain('FOR ALICE');
    expect(socket.recovered).toBeFalsy();
    expect((socket as unknown as { _pid: string })._pid).not.toBe(pid);
  });
});

describe('rooms', () => {
  it('follow the token of the new connection, not the one before', async () => {
    const gateway = await fixture.gateway();
    const first = fixture.connect(gateway, { token: 'acme/u1/staff' });
    await readied(first.recorder);
    const { _pid: pid } = first.socket as unknown as { _pid: string };
    first.socket.disconnect();
    await fixture.publish('acme', 2, ['acme:role%3Astaff'], { data: 'STAFF ONLY' });
    const { recorder } = fixture.connect(gateway, { token: 'acme/u1', pid, offset: first.recorder.cursor });
    await readied(recorder);
    await fixture.publish('acme', 2, ['acme:role%3Astaff']);
    const own = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(own));
  });

  it('cannot be named by a tenant or user whose name looks like another’s', async () => {
    const gateway = await fixture.gateway();
    const { recorder } = fixture.connect(gateway, { token: 'acme:user%3Aalice/alice' });
    await readied(recorder);
    await fixture.publish('acme', 1, [userRoom('acme', 'alice'), tenantRoom('acme')]);
    const own = await fixture.publish('acme:user%3Aalice', 1, ['acme%3Auser%253Aalice:tenant']);
    await eventually(() => recorder.assertDelivered(own));
  });

  it('are watched only as far as the policy allows', async () => {
    const gateway = await fixture.gateway();
    const { recorder } = fixture.connect(gateway, { token: 'acme/customer', watch: ['order:1'] });
    await readied(recorder);
    expect(recorder.readies[0]?.ready.watching).toEqual([]);
    await fixture.publish('acme', 1, [orderRoom('acme', '1')]);
    const own = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(own));
  });

  it('and tenant of an entry must agree', async () => {
    const gateway = await fixture.gateway();
    const { recorder } = fixture.connect(gateway, { token: 'acme/u1' });
    await readied(recorder);
    const writer = await fixture.writer('acme');
    await writer.write([{ id: 'forged', tenant: 'globex', rooms: [tenantRoom('acme')] }]);
    const own = await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() => recorder.assertDelivered(own));
  });
});

describe('a handshake', () => {
  it.each([
    ['events', 'order.*'],
    ['events', ['or*der']],
    ['events', Array.from({ length: 65 }, () => 'a')],
    ['watch', ['tenant']],
    ['watch', ['user:bob']],
    ['watch', [{ toString: 'order:1' }]],
    ['watch', Array.from({ length: 101 }, (_, i) => `order:${i}`)],
  ])('with a malformed %s is refused with a reason', async (field, value) => {
    const gateway = await fixture.gateway();
    const { socket } = fixture.connect(gateway, { token: 'acme/u1', [field]: value });
    const error = await refused(socket);
    expect(error.message).toContain(`auth.${field}`);
    expect(error.data).toEqual({ code: 'AUTH_INVALID', retryable: false });
  });
});
