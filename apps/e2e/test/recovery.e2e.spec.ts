import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Publisher } from '@rejoin/publisher';
import { type ChildApp, uniquePrefix } from '@rejoin/testing';
import { publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

let system: System;
let publisher: Publisher;
beforeAll(async () => {
  system = await System.start();
  publisher = system.publisher();
});
afterAll(() => system.stop());

async function publishTo(tenant: string, audience: string, count = 1): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uniquePrefix());
  for (const id of ids) await publish(publisher, { id, tenant, audience });
  return ids;
}

describe('G1 G2', () => {
  it('G1 G2 a stock client whose gateway was killed is recovered by another one, with its pid and its watches', async () => {
    const tenant = uniquePrefix();
    const doomed = await system.startGateway();
    const survivor = system.gateways[0] as ChildApp;
    const client = system.connect({
      gateway: doomed,
      tenant,
      user: 'u1',
      roles: ['staff'],
      auth: { watch: ['order:1'] },
    });
    await client.ready();
    const { pid } = client;
    const { id: socketId } = client.socket;
    const live = await publishTo(tenant, 'order:1', 3);
    await client.delivered(live);
    // What the session knows, and not what the handshake names, decides what is watched.
    (client.socket.auth as Record<string, unknown>).watch = undefined;
    client.moveTo(survivor.url);
    await system.kill(doomed);
    const missed = [...(await publishTo(tenant, 'order:1', 2)), ...(await publishTo(tenant, 'user:u1', 2))];
    await client.ready(2);
    expect(client.socket.recovered).toBe(true);
    expect(client.pid).toBe(pid);
    expect(client.socket.id).not.toBe(socketId);
    expect(client.recorder.readies[1]?.ready.watching).toEqual(['order:1']);
    expect(client.replays[1]?.status).toBe('complete');
    const after = await publishTo(tenant, 'order:1', 2);
    await client.delivered([...live, ...missed, ...after]);
  });

  it('G1 G2 a client whose old connection is half open is served by its new one alone', async () => {
    const tenant = uniquePrefix();
    const old = system.connect({ tenant, user: 'u1', socket: { reconnection: false } });
    await old.ready();
    const auth = { pid: old.pid, offset: old.recorder.cursor };
    const resumed = system.connect({ tenant, user: 'u1', auth });
    await resumed.ready();
    expect(resumed.pid).toBe(old.pid);
    const [both] = (await publishTo(tenant, 'tenant')) as [string];
    await resumed.delivered([both]);
    old.close();
    const ids = await publishTo(tenant, 'tenant', 3);
    await resumed.delivered([both, ...ids]);
    expect(resumed.disconnects).toEqual([]);
  });

  it('G2 a client that comes back after a clean disconnect of its own goes on from where it was', async () => {
    const tenant = uniquePrefix();
    const client = system.connect({ tenant, user: 'u1' });
    await client.ready();
    const before = await publishTo(tenant, 'tenant', 2);
    await client.delivered(before);
    client.socket.disconnect();
    const missed = await publishTo(tenant, 'tenant', 2);
    client.socket.connect();
    await client.ready(2);
    expect(client.socket.recovered).toBe(true);
    await client.delivered([...before, ...missed]);
  });

  it('G1 G2 a gateway that is stopped sends its clients to another one, where they miss nothing', async () => {
    const tenant = uniquePrefix();
    const leaving = await system.startGateway();
    const client = system.roam({ gateway: leaving, tenant, user: 'u1' });
    await client.ready();
    const before = await publishTo(tenant, 'tenant', 2);
    const stopping = system.stopApp(leaving);
    const meanwhile = await publishTo(tenant, 'tenant', 5);
    await stopping;
    await client.ready(2);
    const after = await publishTo(tenant, 'tenant', 2);
    await client.delivered([...before, ...meanwhile, ...after]);
    expect(client.recorder.closings).toEqual([{ code: 'DRAINING', retryable: true, retryAfterMs: expect.any(Number) }]);
    expect(client.socket.recovered).toBe(true);
  });
});
