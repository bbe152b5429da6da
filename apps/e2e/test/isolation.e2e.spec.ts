import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { partitionOf } from '@rejoin/protocol';
import type { Publisher } from '@rejoin/publisher';
import { eventually, TEST_JWT_SECRET, tokenFor, uniquePrefix } from '@rejoin/testing';
import { ClusterObserver } from './cluster-observer.ts';
import { publish } from './load.ts';
import { RawConnection } from './raw-connection.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

const SECRET = 'FOR ALICE ALONE';
/** Type of a Socket.IO packet that refuses a connection. */
const CONNECT_ERROR = '4';

let system: System;
let publisher: Publisher;
let observer: ClusterObserver;
let tenant: string;
let stolen: { readonly pid: string; readonly offset: string; readonly cursor: string };
const raw: RawConnection[] = [];

beforeAll(async () => {
  system = await System.start({ gateways: 1 });
  publisher = system.publisher();
  observer = await ClusterObserver.start(system.redisUrl, system.keys, 1);
});
afterAll(async () => {
  observer.stop();
  await system.stop();
});
beforeEach(async () => {
  tenant = uniquePrefix();
  const alice = system.connect({ tenant, user: 'alice', roles: ['staff'], auth: { watch: ['order:1'] } });
  await alice.ready();
  await tell('seen');
  await alice.delivered(['seen']);
  const cursor = alice.recorder.cursor as string;
  stolen = { pid: alice.pid, offset: cursor, cursor };
  alice.close();
  for (const id of ['missed-1', 'missed-2', 'missed-3']) await tell(id);
});
afterEach(() => {
  for (const connection of raw.splice(0)) connection.close();
});

/** Something that only alice, her role and the watchers of her order may see. */
const tell = (id: string) =>
  publish(publisher, { id, tenant, audience: 'user:alice,role:staff,order:1', data: { text: SECRET } });

async function open(transport: 'websocket' | 'polling'): Promise<RawConnection> {
  const connection = new RawConnection(system.gateways[0]?.url as string, transport);
  raw.push(connection);
  await connection.opened();
  return connection;
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
const claims = () => ({ sub: 'alice', tenant_id: tenant, roles: ['staff'], exp: Math.floor(Date.now() / 1_000) + 600 });
const alice = (options: Partial<Parameters<typeof tokenFor>[0]> = {}) =>
  tokenFor({ sub: 'alice', tenant, roles: ['staff'], ...options });
const unsigned = (header: object) => `${encoded(header)}.${encoded(claims())}.`;
/** Signed as its header says, with another algorithm than the configured one. */
function signedWith(alg: string, hash: string): string {
  const signed = `${encoded({ alg, typ: 'JWT' })}.${encoded(claims())}`;
  return `${signed}.${createHmac(hash, TEST_JWT_SECRET).update(signed).digest('base64url')}`;
}

const REFUSED: readonly (readonly [name: string, token: () => unknown, code: string])[] = [
  ['no token', () => undefined, 'AUTH_REQUIRED'],
  ['an empty token', () => '', 'AUTH_REQUIRED'],
  ['a token that is none', () => 'rubbish', 'AUTH_INVALID'],
  ['a token that is an object', () => ({ toString: 'x' }), 'AUTH_INVALID'],
  ['her token with another signature', () => alice({ secret: 'another secret of 32 bytes or more' }), 'AUTH_INVALID'],
  ['her token without a signature', () => unsigned({ alg: 'HS256', typ: 'JWT' }), 'AUTH_INVALID'],
  ['algorithm none', () => unsigned({ alg: 'none', typ: 'JWT' }), 'AUTH_INVALID'],
  ['algorithm None', () => unsigned({ alg: 'None', typ: 'JWT' }), 'AUTH_INVALID'],
  ['algorithm none and a signature', () => alice({ header: { alg: 'none' } }), 'AUTH_INVALID'],
  ['algorithm HS512', () => signedWith('HS512', 'sha512'), 'AUTH_INVALID'],
  ['an expired token', () => alice({ expiresInS: -1 }), 'AUTH_EXPIRED'],
  ['a token that never expires', () => alice({ claims: { exp: undefined } }), 'AUTH_INVALID'],
  ['a token that expires some text', () => alice({ claims: { exp: 'tomorrow' } }), 'AUTH_INVALID'],
  ['a token that is not valid yet', () => alice({ claims: { nbf: 4_000_000_000 } }), 'AUTH_INVALID'],
  ['a token without a tenant', () => alice({ claims: { tenant_id: undefined } }), 'AUTH_INVALID'],
  ['a token without a user', () => alice({ claims: { sub: undefined } }), 'AUTH_INVALID'],
];

describe.each(['websocket', 'polling'] as const)('G4 somebody’s pid, offset and cursor over %s', (transport) => {
  it.each(REFUSED)('G4 with %s bring a refusal, and nothing else is on the wire', async (_name, token, code) => {
    const connection = await open(transport);
    connection.requestNamespace({ ...stolen, token: token() });
    await eventually(() => expect(connection.messages).toHaveLength(1));
    await tell('afterwards');
    const witness = system.connect({ tenant, user: 'alice', auth: { cursor: stolen.cursor } });
    await witness.delivered(['missed-1', 'missed-2', 'missed-3', 'afterwards']);
    witness.close();
    // A second answer proves that everything written before it has come.
    connection.requestNamespace({ ...stolen, token: token() });
    await eventually(() => expect(connection.messages).toHaveLength(2));
    for (const message of connection.messages) {
      expect(message.slice(0, 1)).toBe(CONNECT_ERROR);
      expect(JSON.parse(message.slice(1))).toEqual({ message: expect.any(String), data: { code, retryable: false } });
    }
    expect(connection.packets.filter((packet) => /FOR ALICE|missed|afterwards/.test(packet))).toEqual([]);
    expect(connection.packets.filter((packet) => !/^(open|message|ping|noop):/.test(packet))).toEqual([]);
  });

  it.each([
    ['another tenant’s token', () => ({ tenant: uniquePrefix(), sub: 'alice', roles: ['staff'] })],
    [
      'a token of another tenant in the same partition',
      () => ({ tenant: neighbour(), sub: 'alice', roles: ['staff'] }),
    ],
    ['another user’s token', () => ({ tenant, sub: 'mallory', roles: [] })],
  ])('G4 with %s bring what that token grants, and none of hers', async (_name, owner) => {
    const stranger = owner();
    const connection = await open(transport);
    connection.requestNamespace({ ...stolen, token: tokenFor(stranger) });
    await eventually(() => expect(connection.messages.join()).toContain('rejoin:ready'));
    await tell('afterwards');
    await publish(publisher, { id: 'own', tenant: stranger.tenant, audience: `user:${stranger.sub}` });
    await eventually(() => expect(connection.messages.join()).toContain('"own"'));
    const [connected = '', ready = '', own = '', ...rest] = connection.messages;
    expect(rest).toEqual([]);
    expect(own).toContain('["order.paid",{"id":"own"');
    expect(JSON.parse(connected.slice(1))).toEqual({ sid: expect.any(String), pid: expect.any(String) });
    expect(connected).not.toContain(stolen.pid);
    expect(JSON.parse(ready.slice(1))).toEqual([
      'rejoin:ready',
      { replay: expect.objectContaining({ count: 0 }), watching: [] },
      expect.any(String),
    ]);
    expect(connection.packets.join()).not.toContain('FOR ALICE');
    const { sid } = JSON.parse(connected.slice(1)) as { readonly sid: string };
    const rooms = await observer.roomsOf(sid);
    expect(rooms.sort()).toEqual(
      [sid, ...['tenant', `user:${stranger.sub}`, ...stranger.roles.map((role) => `role:${role}`)]]
        .map((token) => (token === sid ? sid : `${stranger.tenant}:${encodeURIComponent(token)}`))
        .sort(),
    );
  });
});

/** Another tenant whose events are in the same partition. */
function neighbour(): string {
  for (;;) {
    const other = uniquePrefix();
    if (partitionOf(other, system.partitions) === partitionOf(tenant, system.partitions)) return other;
  }
}

describe('G4', () => {
  it('G4 a new page resumes with nothing but its cursor, in the rooms of its own token', async () => {
    const page = system.connect({ tenant, user: 'alice', auth: { cursor: stolen.cursor } });
    await page.ready();
    expect(page.replays).toEqual([{ status: 'complete', count: 3 }]);
    page.recorder.assertDelivered(['missed-1', 'missed-2', 'missed-3']);
    const demoted = system.connect({ tenant, user: 'bob', auth: { cursor: stolen.cursor } });
    await demoted.ready();
    expect(demoted.replays).toEqual([{ status: 'complete', count: 0 }]);
    demoted.recorder.assertDelivered([]);
  });

  it('G4 a role that a new token lacks is gone, live and replayed, though the session had it', async () => {
    const staff = system.connect({ tenant, user: 'carol', roles: ['staff'] });
    await staff.ready();
    const { pid } = staff;
    const offset = staff.recorder.cursor;
    staff.close();
    await tell('missed by staff');
    const demoted = system.connect({ tenant, user: 'carol', auth: { pid, offset } });
    await demoted.ready();
    expect(demoted.pid).toBe(pid);
    await tell('live for staff');
    await publish(publisher, { id: 'own', tenant, audience: 'tenant' });
    await demoted.delivered(['own']);
  });

  it('G4 tenants and users whose names look like another’s rooms are none of them', async () => {
    const names = [`${tenant}:user%3Aalice`, `${tenant}:user:alice`, `${tenant}%3Auser%253Aalice`, `${tenant} `];
    const strangers = names.map((name) => system.connect({ tenant: name, user: 'alice', roles: ['staff'] }));
    strangers.push(system.connect({ tenant, user: 'x', roles: ['staff order:1', 'staff,user:alice'] }));
    await Promise.all(strangers.map((stranger) => stranger.ready()));
    await tell('secret');
    for (const stranger of strangers) {
      await publish(publisher, { id: 'own', tenant: stranger.tenant, audience: 'tenant' });
      await stranger.delivered(['own']);
    }
  });

  it('G4 only what the policy allows is watched, at connect and after a resume', async () => {
    const customer = system.connect({ tenant, user: 'mallory', auth: { watch: ['order:1'], cursor: stolen.cursor } });
    await customer.ready();
    await tell('secret');
    await publish(publisher, { id: 'own', tenant, audience: 'tenant' });
    await customer.delivered(['own']);
    expect(customer.recorder.readies[0]?.ready.watching).toEqual([]);
  });
});
