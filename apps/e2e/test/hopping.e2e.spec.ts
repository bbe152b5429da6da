import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ChildApp, eventually, SeededRandom } from '@rejoin/testing';
import { Load } from './load.ts';
import { SEED } from './seed.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

const HOPS = 100;
const EVENTS_PER_SECOND = 1_000;
/** So that a page of missed events is slower than the live event behind it, which must wait for the page. */
const PADDING = 'x'.repeat(3_000);

let system: System;
beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system.stop());

describe('G1 G2 G3', () => {
  it(`a stock client that hops ${HOPS} times between two gateways at ${EVENTS_PER_SECOND} events/s loses, doubles and misorders nothing (seed ${SEED})`, async () => {
    const client = system.connect({ tenant: 'acme', user: 'u1' });
    await client.ready();
    const random = new SeededRandom(SEED);
    const load = new Load(system.publisher(), EVENTS_PER_SECOND, (n) => ({
      id: String(n),
      tenant: 'acme',
      audience: n % 3 === 0 ? 'user:u1' : 'tenant',
      data: PADDING,
    }));
    for (let hop = 1; hop <= HOPS; hop++) {
      client.moveTo((system.gateways[hop % 2] as ChildApp).url);
      client.cut();
      await client.ready(hop + 1, { timeoutMs: 10_000, intervalMs: 2 });
      expect(client.socket.recovered).toBe(true);
      const { events } = client.recorder;
      const stay = events.length + random.between(1, 100);
      await eventually(() => events.length >= stay, { intervalMs: 2 });
    }
    const ids = (await load.stop()).map(({ id }) => id);
    await client.delivered(ids, { timeoutMs: 10_000 });
    expect(client.replays.slice(1).every(({ status }) => status === 'complete')).toBe(true);
    expect(client.disconnects).toHaveLength(HOPS);
    const missed = client.replays.reduce((sum, { count }) => sum + count, 0);
    // Of both kinds: what was replayed, and what came live.
    expect(missed).toBeGreaterThan(HOPS);
    expect(ids.length - missed).toBeGreaterThan(HOPS);
  });
});
