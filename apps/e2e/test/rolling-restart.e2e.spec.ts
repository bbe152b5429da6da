import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ChildApp, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { JournalledPublisher } from './journal.ts';
import { System } from './system.ts';

jest.setTimeout(180_000);

/** Of each user and gateway. */
const DEVICES = 2;

let system: System;
beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system.stop());

/** Clients of three tenants, evenly on both gateways, that find another gateway as behind a load balancer. */
function roamers(tenants: readonly string[], gateway: ChildApp): Client[] {
  return tenants.flatMap((tenant) =>
    Array.from({ length: DEVICES }, () => [
      system.roam({ gateway, tenant, user: 'u1' }),
      system.roam({ gateway, tenant, user: 'u2', roles: ['staff'], auth: { watch: ['order:1'] } }),
    ]).flat(),
  );
}

describe('G1 G2 G3 a rolling restart of both gateways under load', () => {
  it('loses, doubles and misorders nothing, sends every client away by name, and spreads their returns', async () => {
    const tenants = [uniquePrefix(), uniquePrefix(), uniquePrefix()];
    const publisher = new JournalledPublisher(system, { tenants, perSecond: 150 });
    const [first, second] = system.gateways as [ChildApp, ChildApp];
    const of = { first: roamers(tenants, first), second: roamers(tenants, second) };
    const clients = [...of.first, ...of.second];
    try {
      await Promise.all(clients.map((client) => client.ready(1, { timeoutMs: 30_000 })));
      await publisher.start();
      for (const [old, itsClients] of [
        [first, of.first],
        [second, of.second],
      ] as const) {
        await publisher.accept(100);
        await system.startGateway();
        await system.stopApp(old);
        // By itself and in time, or it would have been killed.
        expect(await old.exited).toEqual({ code: 0, signal: null });
        await Promise.all(itsClients.map((client) => client.ready(2, { timeoutMs: 30_000 })));
        const delays = itsClients.map(({ recorder }) => recorder.closings[0]?.retryAfterMs ?? -1);
        // Of 0 to 2,000 ms, at random.
        expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
        expect(new Set(delays).size).toBeGreaterThan(delays.length / 2);
        expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(300);
      }
      await publisher.accept(100);
      await publisher.delivered(clients);
      for (const { disconnects, recorder } of clients) {
        for (const { code, retryable } of recorder.closings) expect([code, retryable]).toEqual(['DRAINING', true]);
        expect(disconnects).toEqual(recorder.closings.map(() => 'transport close'));
      }
    } finally {
      for (const client of clients) client.close();
      await publisher.finish();
      publisher.removeJournal();
    }
  });
});
