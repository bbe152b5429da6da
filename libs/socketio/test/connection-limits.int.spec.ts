import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EventRecorder, eventually } from '@rejoin/testing';
import type { Socket } from 'socket.io-client';
import type { ConnectionBounds } from '../src/index.ts';
import { Fixture } from './fixture.ts';

let fixture: Fixture;
beforeEach(() => {
  fixture = new Fixture();
});
afterEach(() => fixture.close());

const readied = (recorder: EventRecorder) => eventually(() => expect(recorder.readies).toHaveLength(1));
const refusal = (socket: Socket) =>
  new Promise((resolve) => socket.once('connect_error', (error: Error & { data?: unknown }) => resolve(error.data)));

describe('connections', () => {
  it.each([
    ['perUser', 'acme/u1', 'acme/u1', 'acme/u2'],
    ['perTenant', 'acme/u1', 'acme/u2', 'globex/u1'],
  ] as const)('beyond %s are refused on every gateway, until one has gone', async (bound, first, second, other) => {
    const connections: Partial<ConnectionBounds> = { [bound]: 1 };
    const limited: string[] = [];
    const onLimited = (scope: string): unknown => limited.push(scope);
    const [one, two] = [
      await fixture.gateway({ connections }),
      await fixture.gateway({ connections, listener: { onLimited } }),
    ];
    const holder = fixture.connect(one, { token: first });
    await readied(holder.recorder);
    const refused = fixture.connect(two, { token: second });
    expect(await refusal(refused.socket)).toEqual({
      code: 'RATE_LIMITED',
      retryable: true,
      retryAfterMs: expect.any(Number),
    });
    expect(limited).toHaveLength(1);
    await readied(fixture.connect(two, { token: other }).recorder);
    holder.socket.disconnect();
    refused.socket.on('connect_error', () => refused.socket.connect());
    refused.socket.connect();
    await readied(refused.recorder);
  });

  it('beyond what one gateway takes are told to come back', async () => {
    const gateway = await fixture.gateway({ connections: { perGateway: 1 } });
    await readied(fixture.connect(gateway, { token: 'acme/u1' }).recorder);
    const { socket } = fixture.connect(gateway, { token: 'acme/u2' });
    expect(await refusal(socket)).toMatchObject({ code: 'OVERLOADED', retryable: true });
  });

  it('of a gateway that left count no more', async () => {
    const connections = { perUser: 1 };
    const [one, two] = [await fixture.gateway({ connections }), await fixture.gateway({ connections })];
    const { socket, recorder } = fixture.connect(one, { token: 'acme/u1' }, { reconnection: false });
    await readied(recorder);
    await one.stop();
    await eventually(() => expect(socket.connected).toBe(false));
    const again = fixture.connect(two, { token: 'acme/u1' });
    again.socket.on('connect_error', () => again.socket.connect());
    await readied(again.recorder);
  });
});

describe('handshakes', () => {
  it.each(['handshakesPerAddress', 'handshakesPerUser'] as const)(
    'beyond %s are refused with the time to wait',
    async (rate) => {
      const gateway = await fixture.gateway({ rates: { [rate]: 1 } });
      await readied(fixture.connect(gateway, { token: 'acme/u1' }).recorder);
      const { socket } = fixture.connect(gateway, { token: 'acme/u1' });
      expect(await refusal(socket)).toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    },
  );
});
