import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { compareEntryIds } from '@rejoin/protocol';
import type { Publisher } from '@rejoin/publisher';
import { eventually, TcpProxy, uniquePrefix } from '@rejoin/testing';
import { type AcceptedEvent, lostWithNotice } from './gap-coverage.ts';
import { publish } from './load.ts';
import { System } from './system.ts';

jest.setTimeout(120_000);

let system: System;
let publisher: Publisher;
let proxy: TcpProxy;
beforeAll(async () => {
  system = await System.start({ gateways: 1, workers: 0 });
  publisher = system.publisher();
  proxy = await TcpProxy.start(system.redis.url);
});
afterAll(async () => {
  await system.stop();
  await proxy.stop();
});

async function tell(tenant: string, count: number): Promise<AcceptedEvent[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const id = uniquePrefix();
      return { id, entryId: (await publish(publisher, { id, tenant, audience: 'tenant' })).id };
    }),
  );
}

function tenantOfAnotherPartition(than: string): string {
  for (;;) {
    const tenant = uniquePrefix();
    if (system.keysOf(tenant).partition !== system.keysOf(than).partition) return tenant;
  }
}

const lengthOf = (tenant: string): Promise<number> => system.client.xlen(system.keysOf(tenant).events);
/** Entries of a stream's node, which are trimmed together. */
const NODE = 100;

describe('G8', () => {
  it('G8 a backlog is trimmed while it is worked off, and only behind the worker', async () => {
    const tenant = uniquePrefix();
    const client = system.connect({ tenant, user: 'u1' });
    await client.ready();
    const events = await tell(tenant, 8_000);
    // So slow that many rounds of trimming fall into the work.
    proxy.delay(40);
    const worker = await system.startWorker({ REDIS_URL: proxy.url });
    const { events: stream, done } = system.keysOf(tenant);
    let trimmedWithin = 0;
    let trimmedAhead = 0;
    await eventually(
      async () => {
        const [first, handled, length] = await Promise.all([
          system.client.xrange(stream, '-', '+', 'COUNT', 1),
          system.client.get(done),
          system.client.xlen(stream),
        ]);
        if (first[0] && handled && compareEntryIds(first[0][0], handled) > 0) trimmedAhead += 1;
        if (length < events.length && length > 2 * NODE) trimmedWithin += 1;
        return client.recorder.events.length >= events.length;
      },
      { timeoutMs: 60_000 },
    );
    await client.delivered(events.map(({ id }) => id));
    expect(trimmedAhead).toBe(0);
    expect(trimmedWithin).toBeGreaterThan(0);
    await eventually(async () => (await lengthOf(tenant)) <= NODE, { timeoutMs: 20_000 });
    expect(await system.client.hlen(system.keysOf(tenant).dead)).toBe(0);
    proxy.delay(0);
    await system.stopApp(worker);
  });

  it('G8 what another consumer group has not read or not acknowledged stays', async () => {
    const tenant = uniquePrefix();
    const witness = tenantOfAnotherPartition(tenant);
    const { events } = system.keysOf(tenant);
    const worker = await system.startWorker();
    await system.client.xgroup('CREATE', events, 'audit', '$', 'MKSTREAM');
    const before = await lengthOf(tenant);
    await tell(tenant, 500);
    /** A round of trimming has passed every partition when it has trimmed the witness'. */
    const rounds = async (): Promise<void> => {
      await tell(witness, 300);
      await eventually(async () => (await lengthOf(witness)) <= NODE, { timeoutMs: 20_000 });
    };
    await rounds();
    expect(await lengthOf(tenant)).toBeGreaterThanOrEqual(500);
    const read = (await system.client.xreadgroup('GROUP', 'audit', 'a', 'COUNT', 500, 'STREAMS', events, '>')) as [
      [string, [string, string[]][]],
    ];
    await rounds();
    expect(await lengthOf(tenant)).toBeGreaterThanOrEqual(500);
    await system.client.xack(events, 'audit', ...read[0][1].map(([id]) => id));
    await eventually(async () => (await lengthOf(tenant)) <= NODE + before, { timeoutMs: 20_000 });
    await system.client.xgroup('DESTROY', events, 'audit');
    await system.stopApp(worker);
  });

  it('G8 with a window and a byte bound that are far too small, what comes out of a backlog is delivered or in a gap', async () => {
    const tenant = uniquePrefix();
    const client = system.roam({ tenant, user: 'u1' });
    await client.ready();
    const events = await tell(tenant, 3_000);
    const worker = await system.startWorker({ REPLAY_WINDOW: '1s', REPLAY_MAX_BYTES: '20kb' });
    const { feed, done, dead } = system.keysOf(tenant);
    const last = events.at(-1)?.entryId as string;
    await eventually(async () => compareEntryIds((await system.client.get(done)) ?? '0-0', last) >= 0, {
      timeoutMs: 30_000,
    });
    await eventually(async () => (await system.client.xlen(feed)) === 0, { timeoutMs: 30_000 });
    const sentinels = await tell(tenant, 1);
    await eventually(() => expect(client.recorder.ids().at(-1)).toBe(sentinels[0]?.id), { timeoutMs: 20_000 });
    expect(await system.client.hlen(dead)).toBe(0);
    expect(lostWithNotice(client, [...events, ...sentinels]).length).toBeLessThan(events.length);
    await system.stopApp(worker);
  });
});
