import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@rejoin/testing';
import * as v from 'valibot';
import { connectionsPage, coveragePage, disconnectOutcome } from '../src/index.ts';
import { OperationsSystem, type TestGateway } from './operations-system.ts';

const EVERYTHING = { user: 'olga', tenant: null };
const ACME = { user: 'anna', tenant: 'acme' };
let system: OperationsSystem;
let gateways: TestGateway[];

beforeAll(async () => {
  system = new OperationsSystem();
  gateways = [await system.gateway(), await system.gateway()];
  for (let i = 0; i < 12; i++) {
    const gateway = gateways[i % 2] as TestGateway;
    await system.connect(
      gateway,
      `${i % 3 === 0 ? 'bolt' : 'acme'}/u-${i}/staff`,
      i === 1 ? { watch: ['order:7'] } : {},
    );
  }
});

afterAll(() => system.close());

describe('connections of all gateways', () => {
  it('are counted, and shown with what is known of each', async () => {
    const page = await system.operations.connections.list(EVERYTHING);
    expect(v.parse(connectionsPage, page)).toEqual(page);
    expect(page).toMatchObject({ total: 12, partial: false, next: null });
    expect(page.gateways.map(({ answered, connections }) => [answered, connections])).toEqual([
      [true, 6],
      [true, 6],
    ]);
    expect(page.summary.tenants).toEqual([
      { name: 'acme', count: 8 },
      { name: 'bolt', count: 4 },
    ]);
    expect(page.summary.transports).toEqual([{ name: 'websocket', count: 12 }]);
    const one = page.items.find(({ user }) => user === 'u-1');
    expect(one).toMatchObject({
      tenant: 'acme',
      roles: ['staff'],
      state: 'live',
      watching: ['order:7'],
      behindMs: 0,
      resumed: false,
    });
  });

  it('are paged over gateways in one order, each once', async () => {
    const users: string[] = [];
    let after: string | undefined;
    do {
      const page: v.InferOutput<typeof connectionsPage> = await system.operations.connections.list(EVERYTHING, {
        sort: 'user',
        order: 'asc',
        limit: 5,
        ...(after === undefined ? {} : { after }),
      });
      users.push(...page.items.map(({ user }) => user));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(users).toEqual(Array.from({ length: 12 }, (_, i) => `u-${i}`).sort((a, b) => (a < b ? -1 : 1)));
  });

  it('of another tenant are neither shown nor counted nor disconnected for an actor of one', async () => {
    const page = await system.operations.connections.list(ACME);
    expect(page.total).toBe(8);
    expect(page.summary.tenants).toEqual([{ name: 'acme', count: 8 }]);
    await expect(system.operations.connections.list(ACME, { tenant: 'bolt' })).rejects.toMatchObject({
      code: 'TENANT_FORBIDDEN',
    });
    const theirs = (await system.operations.connections.list(EVERYTHING, { tenant: 'bolt' })).items[0];
    const request = { socketId: theirs?.socketId as string, reason: 'no' };
    expect(await system.operations.connections.disconnect(ACME, request)).toMatchObject({
      matched: 0,
      disconnected: 0,
    });
    await expect(system.operations.connections.disconnect(ACME, { reason: 'x', blockMs: 5_000 })).rejects.toMatchObject(
      { code: 'TENANT_FORBIDDEN' },
    );
  });

  it('are disconnected after a look at whom it meets, and blocked ones cannot come back', async () => {
    const { socket } = await system.connect(gateways[0] as TestGateway, 'acme/blocked');
    await system.connect(gateways[1] as TestGateway, 'acme/blocked');
    const asked = { tenant: 'acme', user: 'blocked', reason: 'abuse', blockMs: 60_000 };
    const dry = await system.operations.connections.disconnect(EVERYTHING, { ...asked, dryRun: true });
    expect(v.parse(disconnectOutcome, dry)).toEqual(dry);
    expect(dry).toMatchObject({ dryRun: true, matched: 2, disconnected: 0 });
    expect(socket.connected).toBe(true);
    const closing = new Promise((resolve) => socket.once('rejoin:closing', resolve));
    const done = await system.operations.connections.disconnect(EVERYTHING, asked);
    expect(done).toMatchObject({ matched: 2, blockedUntil: expect.any(String) });
    expect(await closing).toMatchObject({ code: 'AUTH_REVOKED', retryable: false });
    await eventually(
      async () => (await system.operations.connections.list(EVERYTHING, { user: 'blocked' })).total === 0,
    );
    await eventually(() =>
      expect(system.connect(gateways[1] as TestGateway, 'acme/blocked')).rejects.toMatchObject({
        data: { code: 'AUTH_REVOKED' },
      }),
    );
    const [line] = (await system.operations.audit.list(EVERYTHING)).items;
    expect(line).toMatchObject({ action: 'connections.block', by: 'olga', count: 2, reason: 'abuse' });
  });

  it('tell how far back their clients may resume', async () => {
    await system.publish('c-1', 'acme', ['acme:tenant']);
    const page = await system.operations.coverage.list(EVERYTHING);
    expect(v.parse(coveragePage, page)).toEqual(page);
    expect(page.items.reduce((sum, { cursorsKnown }) => sum + cursorsKnown, 0)).toBeGreaterThanOrEqual(12);
    expect(page.items.every(({ cursorsOutside }) => cursorsOutside === 0)).toBe(true);
    expect(page.items[0]).toMatchObject({ limitedBy: 'youth', coveredMs: 86_400_000 });
    await expect(system.operations.coverage.list(ACME)).rejects.toMatchObject({ code: 'TENANT_FORBIDDEN' });
  });

  it('of a gateway that does not answer are said to be missing', async () => {
    await system.client.zadd(system.keys.gateways, Date.now(), 'silent-gateway');
    const operations = await shortOfPatience();
    const page = await operations.connections.list(EVERYTHING);
    expect(page.partial).toBe(true);
    expect(page.gateways.find(({ id }) => id === 'silent-gateway')).toMatchObject({
      answered: false,
      connections: null,
    });
    expect(page.total).toBe(12);
    await operations.stop();
  });
});

async function shortOfPatience() {
  const { Operations } = await import('../src/index.ts');
  const { testRedis } = await import('@rejoin/testing');
  const { client, keys } = system;
  const replay = { windowMs: 86_400_000, maxBytes: 1024 ** 3 };
  return new Operations({
    client,
    keys,
    partitions: 8,
    redisUrl: testRedis(),
    replay,
    controlMs: 1_000,
    onError: () => undefined,
  });
}
