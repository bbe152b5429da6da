import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, tokenFor } from '@rejoin/testing';
import { io, type Socket } from 'socket.io-client';
import { historyOf } from '../src/live/history.ts';
import { LivePartitions } from '../src/live/live-partitions.ts';
import { ACME_OPERATOR, OperationsFixture, READER } from './operations-fixture.ts';

let fixture: OperationsFixture;
const sockets: Socket[] = [];

function connect(token: unknown, url = fixture.ops.url): Socket {
  const socket = io(url, {
    path: '/v1/live',
    transports: ['websocket'],
    auth: { token },
    forceNew: true,
    reconnection: false,
  });
  sockets.push(socket);
  return socket;
}

// biome-ignore lint/suspicious/noExplicitAny: each test says what it expects
function next(socket: Socket, name: string): Promise<any> {
  return new Promise((resolve) => {
    socket.once(name, resolve);
  });
}

async function refusal(token: unknown): Promise<string> {
  const error: Error = await next(connect(token), 'connect_error');
  return error.message;
}

beforeAll(async () => {
  fixture = await OperationsFixture.start();
});

afterAll(async () => {
  for (const socket of sockets) socket.disconnect();
  await fixture.stop();
});

describe('pushing to consoles', () => {
  it('is for operators who may see every tenant', async () => {
    expect(await refusal(undefined)).toMatch(/token/);
    expect(await refusal(tokenFor({ sub: 'u', scope: 'events:publish' }))).toBe('the token lacks the scope ops:read');
    expect(await refusal(ACME_OPERATOR)).toBe('this concerns every tenant, and the token is bound to one');
  });

  it('brings everything first, then what changed, and the last hour', async () => {
    const socket = connect(READER);
    const [whole, history] = [next(socket, 'partitions'), next(socket, 'history')];
    socket.emit('watch');
    const first = await whole;
    expect(first).toMatchObject({ whole: true, status: expect.any(String), workers: [] });
    expect(first.items).toHaveLength(8);
    expect(await history).toMatchObject({ stepMs: 60_000, lag: expect.any(Array) });
    const second = await next(socket, 'partitions');
    expect(second.whole).toBe(false);
    expect(Date.parse(second.asOf)).toBeGreaterThan(Date.parse(first.asOf));
    socket.emit('unwatch');
  });

  it('says who holds a partition when that changes, and not that a lease runs down', async () => {
    const { lease } = fixture.keys.partition(3);
    const socket = connect(READER);
    const whole = next(socket, 'partitions');
    socket.emit('watch');
    await whole;
    const pushed: { partition: number; lease: { token: string } | null }[] = [];
    socket.on('partitions', ({ items }: { items: typeof pushed }) => {
      pushed.push(...items.filter(({ partition }) => partition === 3));
    });
    await fixture.client.set(lease, '7-a', 'PX', 60_000);
    await eventually(() => expect(pushed.map((item) => item.lease?.token)).toEqual(['7-a']));
    // Two more pushes, in which only the countdown is another.
    for (let n = 0; n < 2; n++) await next(socket, 'partitions');
    await fixture.client.del(lease);
    await eventually(() => expect(pushed.map((item) => item.lease?.token)).toEqual(['7-a', undefined]));
    socket.emit('unwatch');
  });

  it('ends with the token', async () => {
    const socket = connect(tokenFor({ sub: 'rita', scope: 'ops:read', expiresInS: 2 }));
    await next(socket, 'connect');
    expect(await next(socket, 'disconnect')).toBe('io server disconnect');
  });
});

it('tries at its pace, and no faster, while Redis is away', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const triedAtMs: number[] = [];
  const live = new LivePartitions({
    server,
    verifier: { verify: () => Promise.resolve({ scopes: ['ops:read'], expiresAtMs: Date.now() + 60_000 }) } as never,
    operations: {
      open: () => {
        triedAtMs.push(performance.now());
        return Promise.reject(new Error('Redis is away'));
      },
    } as never,
    logger: { warn: () => undefined } as never,
    intervalMs: 100,
  });
  try {
    const socket = connect('any', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    socket.emit('watch');
    await eventually(() => expect(triedAtMs.length).toBeGreaterThan(3));
    for (const [n, at] of triedAtMs.slice(1).entries()) expect(at - (triedAtMs[n] as number)).toBeGreaterThan(90);
  } finally {
    live.stop();
    server.close();
  }
});

describe('the last hour by the minute', () => {
  it('keeps the most of each minute, and gaps where nothing is known', () => {
    const now = Date.UTC(2026, 0, 1, 12, 0, 30);
    const sample = (minutesAgo: number, value: number | null) => ({
      at: new Date(now - minutesAgo * 60_000).toISOString(),
      value,
      pending: 0,
    });
    const { from, lag } = historyOf(
      [[sample(90, 9), sample(2, 4), sample(2.2, 7), sample(1, null), sample(0, 0)]],
      now,
    );
    expect(new Date(from).toISOString()).toBe('2026-01-01T11:01:00.000Z');
    expect(lag[0]?.slice(-4)).toEqual([null, 7, null, 0]);
    expect(lag[0]?.slice(0, -4).every((value) => value === null)).toBe(true);
  });
});
