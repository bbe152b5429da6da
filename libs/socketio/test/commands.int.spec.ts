import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventRecorder, eventually } from '@rejoin/testing';
import * as v from 'valibot';
import { type Command, RefusedError, type ResumableGatewayOptions, revoke } from '../src/index.ts';
import { cut, Fixture, tenantRoom } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.close());

const readied = (recorder: EventRecorder, count = 1) => eventually(() => expect(recorder.readies).toHaveLength(count));

const COMMANDS: Command[] = [
  { name: 'test:echo', schema: v.object({ text: v.string() }), run: (input) => input },
  { name: 'test:staff', schema: v.object({}), roles: ['staff'], run: () => 'for staff' },
  { name: 'test:scope', schema: v.object({}), scopes: ['ops:read'], run: () => 'for operators' },
  { name: 'test:slow', schema: v.object({}), timeoutMs: 20, run: () => new Promise(() => undefined) },
  {
    name: 'test:broken',
    schema: v.object({}),
    run: () => {
      throw new Error('SECRET detail');
    },
  },
];

async function connected(auth: Record<string, unknown>, options: Partial<ResumableGatewayOptions> = {}) {
  const gateway = await fixture.gateway(options);
  for (const command of COMMANDS) gateway.gateway.command(command);
  const client = fixture.connect(gateway, auth);
  await readied(client.recorder);
  return { gateway, ...client };
}

describe('a command', () => {
  it('is answered with what it returns', async () => {
    const { socket } = await connected({ token: 'acme/u1' });
    expect(await socket.emitWithAck('test:echo', { text: 'hi' })).toEqual({ ok: true, data: { text: 'hi' } });
  });

  it.each([
    ['test:echo', [], 'INVALID_PAYLOAD'],
    ['test:echo', [{ text: 5 }], 'INVALID_PAYLOAD'],
    ['test:echo', [{ text: 'a' }, { text: 'b' }], 'INVALID_PAYLOAD'],
    ['test:echo', [Buffer.from('binary')], 'INVALID_PAYLOAD'],
    ['test:staff', [{}], 'FORBIDDEN'],
    ['test:scope', [{}], 'FORBIDDEN'],
    ['test:slow', [{}], 'OVERLOADED'],
    ['test:broken', [{}], 'OVERLOADED'],
    ['nobody:knows', [{}], 'UNKNOWN_COMMAND'],
    ['__proto__', [{}], 'UNKNOWN_COMMAND'],
    ['constructor', [{}], 'UNKNOWN_COMMAND'],
    ['rejoin:ready', [{}], 'UNKNOWN_COMMAND'],
  ])('%s with %j is refused with %s', async (name, args, code) => {
    const { socket } = await connected({ token: 'acme/u1' });
    const answer = await socket.emitWithAck(name, ...args);
    expect(answer).toMatchObject({ ok: false, error: { code, message: expect.any(String) } });
    expect(JSON.stringify(answer)).not.toContain('SECRET');
  });

  it('without an acknowledgement callback is answered by an error event of the same shape', async () => {
    const { socket } = await connected({ token: 'acme/u1' });
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    socket.emit('nobody:knows');
    await eventually(() =>
      expect(errors).toEqual([
        { ok: false, error: { code: 'UNKNOWN_COMMAND', message: 'there is no such command', retryable: false } },
      ]),
    );
  });

  it('says which field is wrong', async () => {
    const { socket } = await connected({ token: 'acme/u1' });
    const answer = await socket.emitWithAck('test:echo', { text: 5 });
    expect(answer.error.message).toContain('text:');
  });

  it('beyond the rate of its socket, or of its user over all gateways, is refused with the time to wait', async () => {
    const rates = { commandsPerSocket: 3, commandsPerUser: 5 };
    const one = await connected({ token: 'acme/u1' }, { rates });
    const two = await connected({ token: 'acme/u1' }, { rates });
    const call = ({ socket }: typeof one) => socket.emitWithAck('test:echo', { text: '' });
    for (let i = 0; i < 3; i++) expect(await call(one)).toMatchObject({ ok: true });
    const refused = { ok: false, error: { code: 'RATE_LIMITED', retryable: true, retryAfterMs: expect.any(Number) } };
    expect(await call(one)).toMatchObject(refused);
    for (let i = 0; i < 2; i++) expect(await call(two)).toMatchObject({ ok: true });
    expect(await call(two)).toMatchObject(refused);
  });
});

describe('a session', () => {
  it('ends with its token, after a warning', async () => {
    const { socket, recorder } = await connected({ token: 'acme/u1//300' });
    const warnings: unknown[] = [];
    socket.on('session:expiring', (warning) => warnings.push(warning));
    await eventually(() => expect(recorder.closings).toEqual([{ code: 'AUTH_EXPIRED', retryable: false }]));
    await eventually(() => expect(socket.connected).toBe(false));
    expect(socket.active).toBe(false);
  });

  it('goes on with a fresh token of the same user and tenant, in the rooms of its roles', async () => {
    const { socket, recorder, gateway } = await connected({ token: 'acme/u1/staff/800', watch: ['order:1'] });
    expect(recorder.readies[0]?.ready.watching).toEqual(['order:1']);
    const answer = await socket.emitWithAck('session:refresh', { token: 'acme/u1/auditor' });
    expect(answer).toMatchObject({ ok: true, data: { expiresInMs: expect.any(Number) } });
    const rooms = gateway.io.sockets.sockets.get(socket.id as string)?.rooms;
    expect([...(rooms ?? [])].filter((room) => room.startsWith('acme')).sort()).toEqual([
      'acme:role%3Aauditor',
      'acme:tenant',
      'acme:user%3Au1',
    ]);
    await fixture.publish('acme', 1, ['acme:role%3Astaff']);
    const mine = await fixture.publish('acme', 1, ['acme:role%3Aauditor']);
    await eventually(() => recorder.assertDelivered(mine));
  });

  it.each([
    ['globex/u1', 'FORBIDDEN'],
    ['acme/u2', 'FORBIDDEN'],
    ['rubbish', 'AUTH_INVALID'],
  ])('is not prolonged by the token %s', async (token, code) => {
    const { socket } = await connected({ token: 'acme/u1' });
    expect(await socket.emitWithAck('session:refresh', { token })).toMatchObject({ ok: false, error: { code } });
  });

  it('keeps what the client acknowledged, and refuses what is no cursor', async () => {
    const { socket, recorder, gateway } = await connected({ token: 'acme/u1' });
    await fixture.publish('acme', 1, [tenantRoom('acme')]);
    await eventually(() => expect(recorder.events).toHaveLength(1));
    expect(await socket.emitWithAck('session:ack', { cursor: recorder.cursor })).toEqual({ ok: true, data: null });
    const server = gateway.io.sockets.sockets.get(socket.id as string);
    expect(server && gateway.gateway.connectionOf(server)?.acknowledged).toBe(recorder.entryIds()[0]);
    expect(await socket.emitWithAck('session:ack', { cursor: 'x' })).toMatchObject({
      error: { code: 'INVALID_PAYLOAD' },
    });
  });
});

describe('a revocation', () => {
  it.each([
    ['of the token', { kind: 'token', tokenId: 'jti of acme/u1' }],
    ['of the user', { kind: 'user', tenantId: 'acme', userId: 'u1' }],
    ['of the tenant', { kind: 'tenant', tenantId: 'acme' }],
  ] as const)(
    '%s reaches the other gateway, ends live connections and refuses new ones until it ends',
    async (_name, target) => {
      const { gateway, socket, recorder } = await connected({ token: 'acme/u1' });
      const other = fixture.connect(await fixture.gateway(), { token: 'globex/u1' });
      await readied(other.recorder);
      await revoke(fixture.client, fixture.keys, target, 1_500);
      await eventually(() => expect(recorder.closings).toEqual([{ code: 'AUTH_REVOKED', retryable: false }]));
      await eventually(() => expect(socket.active).toBe(false));
      const again = fixture.connect(gateway, { token: 'acme/u1' });
      const error = await new Promise<Error & { data?: unknown }>((resolve) =>
        again.socket.once('connect_error', resolve),
      );
      expect(error.data).toEqual({ code: 'AUTH_REVOKED', retryable: false });
      expect(other.recorder.closings).toEqual([]);
      again.socket.on('connect_error', () => again.socket.connect());
      again.socket.connect();
      await readied(again.recorder);
      cut(other.socket);
    },
  );

  it('does not last for no time', async () => {
    await expect(revoke(fixture.client, fixture.keys, { kind: 'tenant', tenantId: 'a' }, 0)).rejects.toThrow(
      RangeError,
    );
    expect(new RefusedError('FORBIDDEN', 'x').data).toEqual({ code: 'FORBIDDEN', retryable: false });
  });
});
