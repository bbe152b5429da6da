import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Publisher } from '@rejoin/publisher';
import type { ChildApp } from '@rejoin/testing';
import { Load } from './load.ts';
import { RedisCluster } from './redis-cluster.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

let cluster: RedisCluster;
let system: System;
let publisher: Publisher;
beforeAll(async () => {
  cluster = await RedisCluster.start(3);
  system = await System.start({ redisUrl: cluster.url, workers: 2 });
  publisher = system.publisher();
});
afterAll(async () => {
  await system?.stop();
  await cluster?.stop();
});

describe('on a Redis Cluster of three masters', () => {
  it('G1 G2 G3 events are published, delivered and resumed, also after gateway and worker were killed', async () => {
    // Enough that every master holds some of their partitions.
    const tenants = Array.from({ length: 24 }, (_, n) => `tenant-${n}`);
    const clients = tenants.map((tenant, n) =>
      system.roam({ gateway: system.gateways[n % 2] as ChildApp, tenant, user: 'u1' }),
    );
    await Promise.all(clients.map((client) => client.ready(1, { timeoutMs: 20_000 })));
    const load = new Load(publisher, 300, (n) => ({
      id: String(n),
      tenant: tenants[n % tenants.length] as string,
      audience: n % 2 === 0 ? 'tenant' : 'user:u1',
    }));
    for (const client of clients) client.cut();
    await Promise.all(clients.map((client) => client.ready(2, { timeoutMs: 20_000 })));
    await system.kill(system.workers[0] as ChildApp);
    await system.kill(system.gateways[0] as ChildApp);
    await Promise.all(clients.filter((_, n) => n % 2 === 0).map((client) => client.ready(3, { timeoutMs: 20_000 })));
    const events = await load.stop();
    for (const client of clients) {
      const expected = events.filter(({ tenant }) => tenant === client.tenant).map(({ id }) => id);
      expect(expected.length).toBeGreaterThan(0);
      await client.delivered(expected, { timeoutMs: 20_000 });
      expect(client.replays.slice(1).filter(({ status }) => status !== 'complete')).toEqual([]);
    }
  });
});
