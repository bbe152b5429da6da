import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, tokenFor } from '@rejoin/testing';
import { type ClientOptions, createClient, memoryStore, type RejoinClient, UnauthorizedError } from '../src/index.ts';
import { cursorOf, ScriptedGateway } from './scripted-gateway.ts';

let gateway: ScriptedGateway;
const clients: RejoinClient[] = [];
beforeEach(async () => {
  gateway = await ScriptedGateway.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await gateway.stop();
});

function open(options: Partial<ClientOptions> = {}): RejoinClient {
  const client = createClient({
    url: gateway.url,
    token: () => tokenFor({ tenant: 'acme', sub: 'u-1' }),
    backoff: { minMs: 5, maxMs: 20 },
    ackIntervalMs: 10,
    saveIntervalMs: 1,
    ...options,
  });
  clients.push(client);
  return client;
}

describe('a client', () => {
  it('goes through its states, and receives events by type and pattern, in order', async () => {
    const client = open();
    const states: string[] = [];
    const seen: string[] = [];
    client.onState((state) => states.push(state));
    client.on('order.paid', ({ id }) => seen.push(`exact ${id}`));
    const off = client.on('order.*', async ({ id }) => {
      await Promise.resolve();
      seen.push(`pattern ${id}`);
    });
    client.on('*', ({ id }, { cursor, replayed }) => seen.push(`all ${id} ${cursor} ${replayed}`));
    client.connect();
    await gateway.connected(1);
    gateway.ready(cursorOf(1));
    await client.ready();
    gateway.event('a', cursorOf(2));
    gateway.event('b', cursorOf(3), 'invoice.sent');
    await eventually(() => expect(client.cursor).toBe(cursorOf(3)));
    off();
    gateway.event('c', cursorOf(4), 'order.shipped');
    await eventually(() => expect(client.cursor).toBe(cursorOf(4)));
    expect(seen).toEqual([
      'exact a',
      'pattern a',
      `all a ${cursorOf(2)} false`,
      `all b ${cursorOf(3)} false`,
      `all c ${cursorOf(4)} false`,
    ]);
    client.close();
    expect(states).toEqual(['connecting', 'replaying', 'live', 'idle', 'closed']);
  });

  it('resumes from its position after a cut', async () => {
    const client = open({ events: ['order.*'] }).connect();
    const seen: string[] = [];
    client.on('*', ({ id }, { replayed }) => seen.push(`${id} ${replayed}`));
    await gateway.connected(1);
    gateway.ready(cursorOf(1));
    gateway.event('a', cursorOf(2));
    await eventually(() => expect(client.cursor).toBe(cursorOf(2)));
    gateway.cut();
    await gateway.connected(2);
    expect(gateway.handshakes).toEqual([
      expect.not.objectContaining({ cursor: expect.anything() }),
      expect.objectContaining({
        cursor: cursorOf(2),
        offset: cursorOf(2),
        events: ['order.*'],
        pid: expect.anything(),
      }),
    ]);
    gateway.event('b', cursorOf(3));
    gateway.ready(cursorOf(3), { status: 'complete', count: 1 });
    gateway.event('c', cursorOf(4));
    await eventually(() => expect(seen).toEqual(['a false', 'b true', 'c false']));
  });

  it('tells the gateway what it has handled, and keeps it for the next page of this user alone', async () => {
    const store = memoryStore();
    const first = open({ store }).connect();
    await gateway.connected(1);
    gateway.ready(cursorOf(1));
    gateway.event('a', cursorOf(2));
    await eventually(() =>
      expect(gateway.commands).toContainEqual({ name: 'session:ack', payload: { cursor: cursorOf(2) }, ok: true }),
    );
    first.close();
    open({ store }).connect();
    await gateway.connected(2);
    open({ store, token: () => tokenFor({ tenant: 'acme', sub: 'u-2' }) }).connect();
    await gateway.connected(3);
    open({ store, token: () => tokenFor({ tenant: 'globex', sub: 'u-1' }) }).connect();
    await gateway.connected(4);
    expect(gateway.handshakes.map(({ cursor }) => cursor)).toEqual([undefined, cursorOf(2), undefined, undefined]);
  });

  it('stops where there is nobody to sign in as', async () => {
    const client = open({ token: () => Promise.reject(new UnauthorizedError('signed out')) }).connect();
    await expect(client.ready()).rejects.toMatchObject({ code: 'TOKEN_FAILED' });
    expect(client.state).toBe('stopped');
  });
});
