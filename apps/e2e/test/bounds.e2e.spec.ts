import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { BacklogFullError, type Publisher } from '@rejoin/publisher';
import { type ChildApp, eventually, tokenFor, uniquePrefix } from '@rejoin/testing';
import type { Client } from './client.ts';
import { ClusterObserver } from './cluster-observer.ts';
import { publish } from './load.ts';
import { System, type SystemOptions } from './system.ts';

jest.setTimeout(120_000);

const TENANT = 'acme';

let system: System;
let publisher: Publisher;
afterEach(() => system.stop());

async function start(options: SystemOptions = {}): Promise<void> {
  system = await System.start({ gateways: 1, ...options });
  publisher = system.publisher();
}

async function tell(count: number, bytes: number, audience = 'tenant'): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uniquePrefix());
  await Promise.all(
    ids.map((id) => publish(publisher, { id, tenant: TENANT, audience, data: { padding: 'x'.repeat(bytes) } })),
  );
  return ids;
}

/** What publishing is refused with; the accepted ids until then come first. */
async function publishUntilRefused(bytes: number, most: number): Promise<{ accepted: string[]; refusal: unknown }> {
  const accepted: string[] = [];
  while (accepted.length < most) {
    try {
      accepted.push(...(await tell(1, bytes)));
    } catch (refusal) {
      return { accepted, refusal };
    }
  }
  throw new Error(`${most} events of ${bytes} bytes were all accepted`);
}

async function publishOverHttp(ops: ChildApp): Promise<{ status: number; retryAfter: string | null; body: unknown }> {
  const response = await fetch(`${ops.url}/v1/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${tokenFor({ sub: 'orders', scope: 'events:publish' })}`,
    },
    body: JSON.stringify({
      specversion: '1.0',
      id: uniquePrefix(),
      source: '/e2e',
      type: 'order.paid',
      tenantid: TENANT,
      audience: 'user:nobody',
    }),
  });
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() };
}

describe('G9', () => {
  it('G9 a client that does not read is cut off, resumes without loss when it does, and nobody waits for it', async () => {
    await start();
    const observer = await ClusterObserver.start(system.redisUrl, system.keys, 1);
    try {
      const slow = system.connect({ tenant: TENANT, user: 'slow' });
      const quick = system.connect({ tenant: TENANT, user: 'quick' });
      await Promise.all([slow.ready(), quick.ready()]);
      const socketId = slow.socket.id as string;
      expect(await observer.roomsOf(socketId)).not.toEqual([]);
      slow.stopReading();
      // More than the gateway holds (4 MiB) and the kernel's buffers together.
      const ids: string[] = [];
      while (ids.length < 400) {
        ids.push(...(await tell(20, 60_000)));
        await quick.delivered(ids, { timeoutMs: 20_000 });
      }
      await eventually(async () => expect(await observer.roomsOf(socketId)).toEqual([]), { timeoutMs: 20_000 });
      slow.read();
      await slow.ready(2, { timeoutMs: 30_000 });
      await slow.delivered(ids, { timeoutMs: 30_000 });
      expect(slow.replays[1]?.status).toBe('complete');
      expect(quick.disconnects).toEqual([]);
    } finally {
      observer.stop();
    }
  });

  it('G9 a client that stops polling is cut off as well', async () => {
    await start();
    const quick = system.connect({ tenant: TENANT, user: 'quick' });
    await quick.ready();
    const url = `${system.gateways[0]?.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1)) as { readonly sid: string };
    const session = `${url}&sid=${sid}`;
    const token = tokenFor({ tenant: TENANT, sub: 'idle' });
    await fetch(session, { method: 'POST', body: `40${JSON.stringify({ token })}` });
    expect(await (await fetch(session)).text()).toMatch(/^40/);
    await quick.delivered(await tell(100, 60_000), { timeoutMs: 20_000 });
    await eventually(async () => expect((await fetch(session, { method: 'POST', body: '3' })).status).toBe(400), {
      timeoutMs: 10_000,
    });
  });

  it('G9 publishing beyond the backlog limit is refused as such; what was accepted is delivered when a worker comes', async () => {
    await start({ workers: 0 });
    publisher = system.publisher({ maxBacklog: 50 });
    const ops = await system.startApp('ops', { OPS_MAX_BACKLOG: '50' });
    const client = system.connect({ tenant: TENANT, user: 'u1' });
    await client.ready();
    const { accepted, refusal } = await publishUntilRefused(100, 60);
    expect(accepted).toHaveLength(50);
    expect(refusal).toBeInstanceOf(BacklogFullError);
    expect(refusal).toMatchObject({ code: 'BACKLOG_FULL', reason: 'backlog' });
    const answer = await publishOverHttp(ops);
    expect(answer).toMatchObject({ status: 429, body: { code: 'BACKLOG_FULL' } });
    expect(Number(answer.retryAfter)).toBeGreaterThan(0);
    await system.startWorker();
    await client.delivered(accepted, { timeoutMs: 20_000 });
    // Handled entries count no more, whether they are trimmed or not.
    for (let n = 0; n < 60; n++) {
      accepted.push(...(await tell(1, 100)));
      await client.delivered(accepted);
    }
    expect((await publishOverHttp(ops)).status).toBe(202);
  });

  it('G9 publishing is refused before memory is full; what was accepted is delivered, also beyond maxmemory', async () => {
    await start({ redis: { maxMemoryBytes: 24 * 1024 ** 2 } });
    const ops = await system.startApp('ops');
    const client = system.connect({ tenant: TENANT, user: 'u1' });
    await client.ready();
    const accepted: string[] = [];
    const { full } = system.keysOf(TENANT);
    // On a slow machine Redis itself may refuse first; then the mark that the workers set does. And what was on its way may take
    // memory with it when it is gone: then there is room for more.
    await eventually(
      async () => {
        const { accepted: more, refusal } = await publishUntilRefused(20_000, 5_000);
        accepted.push(...more);
        expect(refusal).toBeInstanceOf(BacklogFullError);
        expect(refusal).toMatchObject({ code: 'BACKLOG_FULL', reason: 'memory' });
        await client.delivered(accepted, { timeoutMs: 20_000 });
        expect(await system.client.get(full)).toContain('of maxmemory are used');
        expect(await publishOverHttp(ops)).toMatchObject({ status: 429, body: { code: 'BACKLOG_FULL' } });
      },
      { timeoutMs: 60_000 },
    );

    // Whoever appends with plain XADD is held back by Redis alone, and fills it up to the last byte.
    const worker = system.workers[0] as ChildApp;
    await system.stopApp(worker);
    const { events } = system.keysOf(TENANT);
    for (let full = false; !full; ) {
      const id = uniquePrefix();
      const event = { specversion: '1.0', id, source: '/x', type: 'order.paid', tenantid: TENANT, audience: 'tenant' };
      try {
        await system.client.xadd(events, '*', 'event', JSON.stringify({ ...event, data: 'x'.repeat(20_000) }));
        accepted.push(id);
      } catch (error) {
        expect((error as Error).message).toMatch(/^OOM/);
        full = true;
      }
    }
    await system.startWorker();
    await client.delivered(accepted, { timeoutMs: 20_000 });
    expect(client.disconnects).toEqual([]);
    // New clients and new gateways are served, too.
    const other = await system.startGateway();
    const resumed = system.connect({
      gateway: other,
      tenant: TENANT,
      user: 'u2',
      auth: { cursor: client.recorder.events.at(-4)?.cursor },
    });
    await resumed.delivered(accepted.slice(-3));
    await resumed.ready();
    expect(resumed.replays).toEqual([{ status: 'complete', count: 3 }]);
    resumed.cut();
    await resumed.ready(2);
    expect(resumed.socket.recovered).toBe(true);

    await system.client.config('SET', 'maxmemory', '0');
    const [again] = (await eventually(() => tell(1, 100), { timeoutMs: 20_000 })) as [string];
    await client.delivered([...accepted, again]);
    expect((await publishOverHttp(ops)).status).toBe(202);
  });

  it('G9 feed, indexes and event streams stay within their bounds', async () => {
    await start({ env: { REPLAY_MAX_BYTES: '300kb', REPLAY_MAX_PER_ROOM: '100' } });
    const client: Client = system.connect({ tenant: TENANT, user: 'u1' });
    await client.ready();
    const ids: string[] = [];
    const { feed, feedBytes, events, room } = system.keysOf(TENANT);
    for (let round = 0; round < 10; round++) {
      ids.push(...(await tell(100, 2_000)));
      await client.delivered(ids, { timeoutMs: 20_000 });
      expect(await system.client.llen(room(`${TENANT}:tenant`))).toBeLessThanOrEqual(111);
    }
    await eventually(
      async () => {
        expect(Number(await system.client.get(feedBytes))).toBeLessThanOrEqual(300 * 1024);
        expect(await system.client.xlen(feed)).toBeLessThanOrEqual(150);
        expect(await system.client.xlen(events)).toBeLessThanOrEqual(100);
      },
      { timeoutMs: 20_000 },
    );
    expect(client.disconnects).toEqual([]);
  });
});
