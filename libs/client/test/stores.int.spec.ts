import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, tokenFor } from '@rejoin/testing';
import { identityOf } from '../src/identity.ts';
import { type ClientOptions, type CursorStore, createClient, type RejoinClient } from '../src/index.ts';
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

interface Opened {
  readonly client: RejoinClient;
  readonly errors: string[];
}

/** Live at position 1. */
async function open(options: Partial<ClientOptions>): Promise<Opened> {
  const client = createClient({
    url: gateway.url,
    token: () => tokenFor({ tenant: 'acme', sub: 'u-1' }),
    backoff: { minMs: 1, maxMs: 5 },
    saveIntervalMs: 1,
    ...options,
  });
  clients.push(client);
  const errors: string[] = [];
  client.onError(({ code, cause }) => errors.push(`${code} ${(cause as Error).message}`));
  const connections = gateway.sockets.length;
  client.connect();
  await gateway.connected(connections + 1);
  gateway.ready(cursorOf(1));
  await client.ready();
  return { client, errors };
}

const full = (): never => {
  throw new Error('full');
};

describe('a store that fails', () => {
  it.each<[string, CursorStore]>([
    ['by throwing', { get: full, set: full }],
    ['by rejecting', { get: async () => full(), set: async () => full() }],
  ])('%s is reported, and the client lives on what it has in memory', async (_how, store) => {
    const { client, errors } = await open({ store });
    expect(errors[0]).toBe('STORE_FAILED full');
    gateway.event('a', cursorOf(2));
    await eventually(() => expect(errors.length).toBeGreaterThan(1));
    expect(new Set(errors)).toEqual(new Set(['STORE_FAILED full']));
    await eventually(() => expect(client.cursor).toBe(cursorOf(2)));
    gateway.cut();
    await gateway.connected(2);
    expect(gateway.handshakes[1]).toMatchObject({ cursor: cursorOf(2) });
  });
});

describe('positions in a store', () => {
  it('are of one user of one tenant and one purpose, whatever the names are made of', async () => {
    const store = new Map<string, string>();
    const owners = [
      { tenant: 'a', sub: 'b","c' },
      { tenant: 'a","b', sub: 'c' },
      { tenant: 'a:b', sub: 'c' },
      { tenant: 'a', sub: 'b:c' },
      { tenant: 'ä', sub: 'c' },
    ];
    for (const owner of owners) {
      await open({ store, token: () => tokenFor(owner) });
      await open({ store, token: () => tokenFor(owner), name: 'another purpose' });
    }
    await eventually(() => expect(store.size).toBe(2 * owners.length));
    expect(gateway.handshakes.map(({ cursor }) => cursor)).toEqual(gateway.handshakes.map(() => undefined));
    await open({ store, token: () => tokenFor({ tenant: 'a","b', sub: 'c' }) });
    expect(gateway.handshakes.at(-1)).toMatchObject({ cursor: cursorOf(1) });
  });

  it('are of the tenant that the installation’s claim names', () => {
    const token = (claims: object): string => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
    expect(identityOf(token({ org: 'acme', sub: 'u' }), 'org')).toBe(
      identityOf(token({ tenant_id: 'acme', sub: 'u' })),
    );
    for (const claims of [{ sub: 'u' }, { tenant_id: 'acme' }, { tenant_id: 7, sub: 'u' }, { tenant_id: '', sub: 'u' }])
      expect(() => identityOf(token(claims))).toThrow('AUTH_INVALID');
    expect(() => identityOf('no token at all')).toThrow('AUTH_INVALID');
  });

  it('end with the user: whoever signs in while the page lives begins with the present, and what waits is not handed on', async () => {
    const store = new Map<string, string>();
    let sub = 'u-1';
    const { client } = await open({ store, token: () => tokenFor({ tenant: 'acme', sub }) });
    const seen: string[] = [];
    client.on('*', async ({ id }) => {
      seen.push(id);
      if (id === 'a') await new Promise(() => undefined);
    });
    gateway.event('a', cursorOf(2));
    gateway.event('b', cursorOf(3));
    await eventually(() => expect(seen).toEqual(['a']));
    sub = 'u-2';
    gateway.cut();
    await gateway.connected(2);
    expect(gateway.handshakes[1]).not.toHaveProperty('cursor', expect.anything());
    gateway.ready(cursorOf(3));
    gateway.event('c', cursorOf(4));
    await eventually(() => expect(seen).toEqual(['a', 'c']));
    await eventually(() => expect([...store.values()].sort()).toEqual([cursorOf(1), cursorOf(4)]));
  });
});

describe('several gateways', () => {
  it('are tried in turn, and any of them goes on where another stopped', async () => {
    const other = await ScriptedGateway.start();
    try {
      const { client } = await open({ url: [gateway.url, other.url] });
      gateway.event('a', cursorOf(2));
      await eventually(() => expect(client.cursor).toBe(cursorOf(2)));
      gateway.cut();
      await other.connected(1);
      expect(other.handshakes[0]).toMatchObject({ cursor: cursorOf(2) });
      other.event('b', cursorOf(3));
      other.ready(cursorOf(3), { status: 'complete', count: 1 });
      await eventually(() => expect(client.cursor).toBe(cursorOf(3)));
      await other.stop();
      await gateway.connected(2);
      expect(gateway.handshakes[1]).toMatchObject({ cursor: cursorOf(3) });
    } finally {
      await other.stop();
    }
  });

  it('are asked for before every attempt where they are a function', async () => {
    const other = await ScriptedGateway.start();
    try {
      let { url } = gateway;
      await open({ url: () => url });
      url = other.url;
      gateway.cut();
      await other.connected(1);
      expect(other.handshakes[0]).toMatchObject({ cursor: cursorOf(1) });
    } finally {
      await other.stop();
    }
  });
});
