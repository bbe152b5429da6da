import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type ChildApp, eventually } from '@rejoin/testing';
import { Load, type TestEvent } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

let system: System;
afterEach(() => system.stop());

async function ownedBy(worker: ChildApp): Promise<number> {
  const response = await fetch(`${worker.url}/health/ready`);
  return Number(/owns (\d+) partitions/.exec(await response.text())?.[1]);
}

const descending = (a: number, b: number): number => b - a;

/** Resolves when the workers own so many partitions each, the most first. */
async function share(counts: readonly number[], timeoutMs = 20_000): Promise<void> {
  await eventually(
    async () => {
      const owned = await Promise.all(system.workers.map(ownedBy));
      expect(owned.toSorted(descending)).toEqual([...counts]);
    },
    { timeoutMs },
  );
}

/** A lease is renewed after a third of its 4 s, so one that merely runs out is free after 2.6 s at the earliest. */
const SOONER_THAN_EXPIRY_MS = 2_000;

describe('workers', () => {
  it('share the partitions, hand them over at once when one is stopped, and lose, double and misorder nothing', async () => {
    system = await System.start({ gateways: 1, workers: 1 });
    const tenants = Array.from({ length: 16 }, (_, n) => `tenant-${n}`);
    const clients = tenants.map((tenant) => system.connect({ tenant, user: 'u1' }));
    await Promise.all(clients.map((client) => client.ready()));
    const load = new Load(system.publisher(), 500, (n) => ({
      id: String(n),
      tenant: tenants[n % tenants.length] as string,
      audience: 'tenant',
    }));
    await share([8]);
    await system.startWorker();
    await share([4, 4]);
    await system.startWorker();
    await share([3, 3, 2]);
    for (const remaining of [[4, 4], [8]]) {
      await system.stopApp(system.workers[0] as ChildApp);
      await share(remaining, SOONER_THAN_EXPIRY_MS);
    }
    const events = await load.stop();
    for (const client of clients) {
      await client.delivered(of(client.tenant, events), { timeoutMs: 20_000 });
      expect(client.disconnects).toEqual([]);
    }
  });

  it('take over what a killed one owned', async () => {
    system = await System.start({ gateways: 0, workers: 2 });
    await share([4, 4]);
    await system.kill(system.workers[0] as ChildApp);
    await share([8]);
    expect(system.workers).toHaveLength(1);
  });
});

const of = (tenant: string, events: readonly TestEvent[]): string[] =>
  events.filter((event) => event.tenant === tenant).map(({ id }) => id);
