import { afterAll, afterEach, beforeAll, beforeEach, describe, it, jest } from '@jest/globals';
import { SeededRandom, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { JournalledPublisher } from './journal.ts';
import { SEED } from './seed.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

let system: System;
let publisher: JournalledPublisher;
let clients: Client[];

beforeAll(async () => {
  system = await System.start({ workers: 2 });
});
afterAll(() => system.stop());
beforeEach(async () => {
  const tenants = [uniquePrefix(), uniquePrefix(), uniquePrefix()];
  publisher = new JournalledPublisher(system, { tenants, perSecond: 400 });
  clients = tenants.flatMap((tenant) =>
    system.gateways.flatMap((gateway) => [
      system.roam({ gateway, tenant, user: 'u1' }),
      system.roam({ gateway, tenant, user: 'u2', roles: ['staff'], auth: { watch: ['order:1'] } }),
    ]),
  );
  await Promise.all(clients.map((client) => client.ready()));
  await publisher.start();
});
afterEach(async () => {
  for (const client of clients) client.close();
  await publisher.finish();
  publisher.removeJournal();
});

const deaths = {
  worker: async (random: SeededRandom) => {
    await system.kill(random.pick(system.workers));
    await system.startWorker();
  },
  gateway: async (random: SeededRandom) => {
    await system.kill(random.pick(system.gateways));
    await system.startGateway();
  },
  publisher: async () => {
    await publisher.kill();
    await publisher.start();
  },
};

describe(`G6 (seed ${SEED})`, () => {
  it.each(['worker', 'gateway', 'publisher'] as const)(
    'G6 killing a %s at random moments under load loses, doubles and misorders nothing',
    async (victim) => {
      const random = new SeededRandom(SEED);
      for (let death = 0; death < 3; death++) {
        await publisher.accept(random.between(20, 600));
        await deaths[victim](random);
      }
      await publisher.accept(200);
      await publisher.delivered(clients);
    },
  );

  it('G6 killing a worker, a gateway and a publisher at once loses, doubles and misorders nothing', async () => {
    const random = new SeededRandom(SEED + 1);
    for (let round = 0; round < 2; round++) {
      await publisher.accept(random.between(20, 300));
      await Promise.all([deaths.worker(random), deaths.gateway(random), deaths.publisher()]);
    }
    await publisher.accept(200);
    await publisher.delivered(clients);
  });
});
