import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Publisher } from '@rejoin/publisher';
import { type RevocationTarget, revoke } from '@rejoin/socketio';
import { type ChildApp, eventually, tokenFor, uniquePrefix } from '@rejoin/testing';
import type { Client, ClientOptions } from './client.ts';
import { publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

/** Longer than any test lasts. */
const LONG_MS = 3_600_000;
/** A busy machine is no failure. */
const PATIENCE = { timeoutMs: 20_000 } as const;

type Who = Pick<ClientOptions, 'tenant' | 'user' | 'claims'>;

let system: System;
let publisher: Publisher;
let tenant: string;
let other: string;
beforeAll(async () => {
  system = await System.start();
  publisher = system.publisher();
});
afterAll(() => system.stop());
beforeEach(() => {
  tenant = uniquePrefix();
  other = uniquePrefix();
});

/** Each of them on every gateway, over WebSocket and long-polling in turn. */
async function connectEverywhere(whom: readonly Who[]): Promise<Client[]> {
  const clients = whom.flatMap((who, index) =>
    system.gateways.map((gateway, at) =>
      system.connect({ ...who, gateway, socket: { transports: [(index + at) % 2 === 0 ? 'websocket' : 'polling'] } }),
    ),
  );
  await Promise.all(clients.map((client) => client.ready()));
  return clients;
}

async function expectRefused(who: Who, gateway: ChildApp, code: string): Promise<void> {
  const client = system.connect({ ...who, gateway });
  await eventually(() => expect(client.refusals).toEqual([{ code, retryable: false }]), PATIENCE);
  client.close();
}

/** They were told, their connections ended, and they do not come back by themselves. */
async function expectEnded(clients: readonly Client[], code: string): Promise<void> {
  for (const { recorder, disconnects, socket } of clients) {
    await eventually(() => expect(recorder.closings).toEqual([{ code, retryable: false }]), PATIENCE);
    await eventually(() => expect(disconnects).toHaveLength(1), PATIENCE);
    expect(socket.active).toBe(false);
  }
}

/** Their connections are those of before, and events reach them. */
async function expectUndisturbed(clients: readonly Client[]): Promise<void> {
  for (const client of clients) {
    const id = uniquePrefix();
    await publish(publisher, { id, tenant: client.tenant, audience: 'tenant' });
    await eventually(() => expect(client.recorder.ids()).toContain(id), PATIENCE);
    expect([client.disconnects, client.refusals, client.replays.length]).toEqual([[], [], 1]);
  }
}

const cases = {
  'a token, by its jti': () => ({
    target: { kind: 'token', tokenId: `${tenant}/jti` },
    shutOut: [
      { tenant, user: 'alice', claims: { jti: `${tenant}/jti` } },
      { tenant, user: 'alice', claims: { jti: `${tenant}/jti` } },
    ],
    neighbours: [
      { tenant, user: 'alice' },
      { tenant, user: 'alice', claims: { jti: `${tenant}/jti ` } },
      { tenant, user: `${tenant}/jti` },
    ],
  }),
  'a user': () => ({
    target: { kind: 'user', tenantId: tenant, userId: 'alice' },
    shutOut: [
      { tenant, user: 'alice' },
      { tenant, user: 'alice', claims: { roles: ['staff'] } },
    ],
    neighbours: [
      { tenant, user: 'bob' },
      { tenant, user: 'Alice' },
      { tenant: other, user: 'alice' },
      { tenant, user: 'carol', claims: { jti: 'alice' } },
    ],
  }),
  'a tenant': () => ({
    target: { kind: 'tenant', tenantId: tenant },
    shutOut: [
      { tenant, user: 'alice' },
      { tenant, user: 'bob' },
    ],
    neighbours: [
      { tenant: other, user: 'alice' },
      { tenant: `${tenant} `, user: 'alice' },
      { tenant: other, user: tenant },
    ],
  }),
} as const satisfies Record<
  string,
  () => { readonly target: RevocationTarget; readonly shutOut: readonly Who[]; readonly neighbours: readonly Who[] }
>;

describe('G4 a revocation of', () => {
  it.each(Object.entries(cases))(
    'G4 %s ends its connections on every gateway and refuses new ones until it ends; neighbours notice nothing',
    async (_name, make) => {
      const { target, shutOut, neighbours } = make();
      const [victims, others] = await Promise.all([connectEverywhere(shutOut), connectEverywhere(neighbours)]);
      await revoke(system.client, system.keys, target, LONG_MS);
      await expectEnded(victims, 'AUTH_REVOKED');
      for (const who of shutOut) {
        for (const gateway of system.gateways) await expectRefused(who, gateway, 'AUTH_REVOKED');
      }
      await expectUndisturbed(others);
      // A later revocation takes the place of the earlier one: now it ends soon.
      await revoke(system.client, system.keys, target, 100);
      for (const gateway of system.gateways) {
        const back = system.connect({ ...(shutOut[0] as Who), gateway });
        await eventually(() => {
          if (!back.socket.active) back.socket.connect();
          expect(back.replays).toHaveLength(1);
        }, PATIENCE);
        back.close();
      }
      for (const client of [...victims, ...others]) client.close();
    },
  );

  it('G4 a tenant holds on a gateway that is started afterwards', async () => {
    await revoke(system.client, system.keys, { kind: 'tenant', tenantId: tenant }, LONG_MS);
    const late = await system.startGateway();
    await expectRefused({ tenant, user: 'alice' }, late, 'AUTH_REVOKED');
    await system.stopApp(late);
  });

  it('G4 a token neither prolongs a connection, nor ends one that a fresh token prolonged', async () => {
    const jti = `${tenant}/first`;
    const first = { tenant, user: 'alice', claims: { jti } };
    const [one, ...others] = await connectEverywhere([first, first]);
    const refresh = (client: Client | undefined, claims: object) =>
      client?.socket.emitWithAck('session:refresh', {
        token: tokenFor({ tenant, sub: 'alice', claims: { ...claims } }),
      });
    expect(await refresh(one, { jti: `${tenant}/second` })).toMatchObject({ ok: true });
    await revoke(system.client, system.keys, { kind: 'token', tokenId: jti }, LONG_MS);
    // Among them are neighbours of the prolonged one, so its gateway knows now.
    await expectEnded(others, 'AUTH_REVOKED');
    expect(await refresh(one, { jti })).toMatchObject({ ok: false, error: { code: 'AUTH_REVOKED', retryable: false } });
    await expectUndisturbed([one as Client]);
  });
});

describe('G4 the end of a token', () => {
  it('G4 ends its connection after a warning, on either gateway; neighbours notice nothing', async () => {
    const [[one, two], others] = (await Promise.all([
      connectEverywhere([{ tenant, user: 'alice' }]),
      connectEverywhere([{ tenant, user: 'alice' }]),
    ])) as [[Client, Client], [Client, Client]];
    const warned = new Set<Client>();
    for (const client of [one, two]) client.socket.on('session:expiring', () => warned.add(client));
    // Not in the handshake, which may last longer than such a token on a busy machine.
    const shorten = (client: Client) =>
      eventually(async () => {
        const token = tokenFor({ tenant, sub: 'alice', expiresInS: 2 });
        expect(await client.socket.emitWithAck('session:refresh', { token })).toMatchObject({ ok: true });
      }, PATIENCE);
    await Promise.all([one, two].map(shorten));
    await expectEnded([one, two], 'AUTH_EXPIRED');
    expect([...warned]).toEqual(expect.arrayContaining([one, two]));
    await expectUndisturbed(others);
    await expectRefused(
      { tenant, user: 'alice', claims: { exp: Math.floor(Date.now() / 1_000) - 1 } },
      system.gateways[0] as ChildApp,
      'AUTH_EXPIRED',
    );
    const again = system.connect({ tenant, user: 'alice', auth: { cursor: one.recorder.cursor } });
    await again.delivered(others[0].recorder.ids());
  });
});
