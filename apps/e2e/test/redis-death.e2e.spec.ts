import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { eventually, SeededRandom } from '@rejoin/testing';
import type { Client } from './client.ts';
import { JournalledPublisher } from './journal.ts';
import { SEED } from './seed.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

const TENANTS = ['acme', 'globex'];

let system: System;
let publisher: JournalledPublisher;
let clients: Client[];

beforeEach(async () => {
  // With `everysec` Redis may answer before it has written the file, and being killed would lose that.
  system = await System.start({ redis: { appendFsync: 'always' } });
  publisher = new JournalledPublisher(system, { tenants: TENANTS, perSecond: 400 });
  clients = TENANTS.flatMap((tenant) =>
    system.gateways.map((gateway) => system.connect({ gateway, tenant, user: 'u2', roles: ['staff'] })),
  );
  await Promise.all(clients.map((client) => client.ready()));
  await publisher.start();
});
afterEach(async () => {
  await system.stop();
  publisher.removeJournal();
});

async function accept(count: number): Promise<void> {
  const before = publisher.accepted().length;
  await eventually(() => publisher.accepted().length >= before + count, { timeoutMs: 30_000 });
}

describe(`G6 (seed ${SEED})`, () => {
  it('G6 a Redis that is killed under load and restarted on its append-only file loses, doubles and misorders nothing', async () => {
    const random = new SeededRandom(SEED);
    for (let death = 0; death < 4; death++) {
      await accept(random.between(50, 500));
      await system.redis.kill();
      await system.redis.restart();
      await accept(50);
    }
    await publisher.finish();
    for (const client of clients) {
      await client.delivered(publisher.expectedBy(client), { timeoutMs: 20_000 });
      // They were told of no gap, and were not even disconnected.
      expect(client.replays).toEqual([{ status: 'none', count: 0 }]);
      expect(client.disconnects).toEqual([]);
    }
  });
});
