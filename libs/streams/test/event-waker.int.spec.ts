import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '@rejoin/redis';
import { eventually, TcpProxy, testRedis } from '@rejoin/testing';
import { EventWaker, type EventWakerOptions } from '../src/index.ts';
import { TestPartition } from './test-partition.ts';

let partition: TestPartition;
let proxy: TcpProxy;
const wakers: EventWaker[] = [];
const never = new AbortController().signal;

beforeEach(async () => {
  partition = await TestPartition.open();
  proxy = await TcpProxy.start(testRedis());
});
afterEach(async () => {
  for (const waker of wakers.splice(0)) waker.close();
  partition.close();
  await proxy.stop();
});

function createWaker(options: Partial<EventWakerOptions> = {}): EventWaker {
  const waker = new EventWaker({
    keys: partition.keys,
    connectBlocking: () => connect({ url: proxy.url, use: 'blocking', name: 'waker', onError: () => undefined }),
    ...options,
  });
  wakers.push(waker);
  return waker;
}

async function append(): Promise<string> {
  const [id] = await partition.append('x');
  return id as string;
}

async function blockedClients(): Promise<number> {
  const list = (await partition.client.client('LIST')) as string;
  return list.split('\n').filter((line) => line.includes('name=waker') && line.includes('flags=b')).length;
}

describe('waiting for entries', () => {
  test('ends when one is there, or comes, after the position', async () => {
    const waker = createWaker();
    const first = await append();
    await waker.wait('0-0', never);
    const waiting = waker.wait(first, never);
    await eventually(async () => expect(await blockedClients()).toBe(1));
    const second = await append();
    const entries = [{ entryId: second, content: { kind: 'event', text: 'x' } }];
    expect(await waiting).toEqual({ entries, position: second, more: false });
  });

  test('brings the first entries along, and says that there may be more', async () => {
    const waker = createWaker();
    const ids: string[] = [];
    for (let count = 0; count < 100; count++) ids.push(await append());
    const page = await waker.wait('0-0', never);
    expect(page?.more).toBe(true);
    expect(page?.entries.map(({ entryId }) => entryId)).toEqual(ids.slice(0, page?.entries.length));
    expect(page?.position).toBe(page?.entries.at(-1)?.entryId);
  });

  test('goes on over reads that end without one, and over the deletion of the stream', async () => {
    const waker = createWaker({ blockMs: 20 });
    await append();
    const position = await append();
    const waiting = waker.wait(position, never);
    await partition.client.del(partition.keys.events);
    const id = `${Date.now() + 1_000}-0`;
    await partition.client.xadd(partition.keys.events, id, 'event', 'x');
    await expect(waiting).resolves.toMatchObject({ position: id });
  });

  test('ends when it is no longer wanted', async () => {
    const waker = createWaker();
    const unwanted = new AbortController();
    const waiting = waker.wait('0-0', unwanted.signal);
    unwanted.abort();
    await expect(waiting).resolves.toBeNull();
    await expect(waker.wait('0-0', AbortSignal.abort())).resolves.toBeNull();
  });
});

describe('a connection', () => {
  test('that is cut ends the waiting with an error, since nothing is known then, and is replaced', async () => {
    const waker = createWaker();
    const waiting = waker.wait('0-0', never);
    await eventually(async () => expect(await blockedClients()).toBe(1));
    proxy.cut();
    await expect(waiting).rejects.toThrow('Connection is closed');
    await append();
    await waker.wait('0-0', never);
  });

  test('that goes silent is given up by the watchdog, and is replaced', async () => {
    const waker = createWaker({ blockMs: 50, graceMs: 1_500 });
    const failure = waker.wait('0-0', never).then(
      () => null,
      (error: unknown) => String(error),
    );
    await eventually(async () => expect(await blockedClients()).toBe(1));
    proxy.stall();
    expect(await failure).toMatch(/stayed unanswered for 1550 ms/);
    proxy.resume();
    await append();
    await waker.wait('0-0', never);
  });

  test('is closed with what it waits for when that is no longer wanted', async () => {
    const waker = createWaker();
    const unwanted = new AbortController();
    const waiting = waker.wait('0-0', unwanted.signal);
    await eventually(async () => expect(await blockedClients()).toBe(1));
    unwanted.abort();
    expect(await waiting).toBeNull();
    await eventually(() => expect(proxy.connections).toBe(0));
  });
});
