import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '@rejoin/redis';
import { eventually, TcpProxy, testRedis } from '@rejoin/testing';
import { EventWaker, type EventWakerOptions } from '../src/index.ts';
import { TestPartition } from './test-partition.ts';

let partition: TestPartition;
let proxy: TcpProxy;
const wakers: { waker: EventWaker; partitions: number[] }[] = [];
const never = new AbortController().signal;

beforeEach(async () => {
  partition = await TestPartition.open();
  proxy = await TcpProxy.start(testRedis());
});
afterEach(async () => {
  await Promise.all(
    wakers.splice(0).flatMap(({ waker, partitions }) => partitions.map((joined) => waker.leave(joined))),
  );
  partition.close();
  await proxy.stop();
});

function createWaker(partitions: number[], options: Partial<EventWakerOptions> = {}): EventWaker {
  const onError = (): void => undefined;
  const waker = new EventWaker({
    keys: partition.keyspace,
    topology: 'standalone',
    connectBlocking: () => connect({ url: proxy.url, use: 'blocking', name: 'waker', onError }),
    onError,
    ...options,
  });
  for (const joined of partitions) waker.join(joined);
  wakers.push({ waker, partitions });
  return waker;
}

function append(to: number): Promise<string> {
  return partition.client.xadd(partition.keyspace.partition(to).events, '*', 'event', 'x') as Promise<string>;
}

async function blockedClients(): Promise<number> {
  const list = (await partition.client.client('LIST')) as string;
  return list.split('\n').filter((line) => line.includes('name=waker') && line.includes('flags=b')).length;
}

describe('waiting for entries', () => {
  test('ends when one is there, or comes, after the position', async () => {
    const waker = createWaker([0]);
    const first = await append(0);
    await waker.wait(0, '0-0', never);
    const waiting = waker.wait(0, first, never);
    await eventually(async () => expect(await blockedClients()).toBe(1));
    const second = await append(0);
    const entries = [{ entryId: second, content: { kind: 'event', text: 'x' } }];
    expect(await waiting).toEqual({ entries, position: second, more: false });
  });

  test('brings the first entries along, and says that there may be more', async () => {
    const waker = createWaker([0]);
    const ids: string[] = [];
    for (let count = 0; count < 100; count++) ids.push(await append(0));
    const page = await waker.wait(0, '0-0', never);
    expect(page?.more).toBe(true);
    expect(page?.entries.map(({ entryId }) => entryId)).toEqual(ids.slice(0, page?.entries.length));
    expect(page?.position).toBe(page?.entries.at(-1)?.entryId);
  });

  test('wakes only those partitions that have one, over one connection', async () => {
    const waker = createWaker([0, 1, 2]);
    const woken: number[] = [];
    const waits = [0, 1, 2].map((each) => waker.wait(each, '0-0', never).then(() => woken.push(each)));
    await eventually(async () => expect(await blockedClients()).toBe(1));
    await append(1);
    await waits[1];
    await append(2);
    await waits[2];
    expect(woken).toEqual([1, 2]);
    expect(proxy.connections).toBe(1);
    await append(0);
    await waits[0];
  });

  test('is joined by one that comes while others wait and it was at work', async () => {
    const waker = createWaker([0, 1], { blockMs: 60_000, graceMs: 60_000 });
    const idle = waker.wait(0, '0-0', never);
    await eventually(async () => expect(await blockedClients()).toBe(1));
    const late = waker.wait(1, '0-0', never);
    await append(1);
    await late;
    await append(0);
    await idle;
  });

  test('goes on over reads that end without one, and over the deletion of the stream', async () => {
    const waker = createWaker([0], { blockMs: 20 });
    await append(0);
    const position = await append(0);
    const waiting = waker.wait(0, position, never);
    await partition.client.del(partition.keys.events);
    const id = `${Date.now() + 1_000}-0`;
    await partition.client.xadd(partition.keys.events, id, 'event', 'x');
    await expect(waiting).resolves.toMatchObject({ position: id });
  });

  test('ends when it is no longer wanted', async () => {
    const waker = createWaker([0, 1]);
    const unwanted = new AbortController();
    const waiting = waker.wait(0, '0-0', unwanted.signal);
    unwanted.abort();
    await expect(waiting).resolves.toBeNull();
    await expect(waker.wait(0, '0-0', AbortSignal.abort())).resolves.toBeNull();
  });

  test('is for partitions that joined', () => {
    expect(() => createWaker([0]).wait(1, '0-0', never)).toThrow(RangeError);
  });

  test('in a cluster takes one connection for each partition', async () => {
    const waker = createWaker([0, 1, 2], { topology: 'cluster' });
    const waits = [0, 1, 2].map((each) => waker.wait(each, '0-0', never));
    await eventually(async () => expect(await blockedClients()).toBe(3));
    await Promise.all([append(0), append(1), append(2), ...waits]);
  });
});

describe('a connection', () => {
  test('that is cut ends the waiting with an error, since nothing is known then, and is replaced', async () => {
    const errors: unknown[] = [];
    const waker = createWaker([0], { onError: (error) => errors.push(error) });
    const waiting = waker.wait(0, '0-0', never);
    await eventually(async () => expect(await blockedClients()).toBe(1));
    proxy.cut();
    await expect(waiting).rejects.toThrow('Connection is closed');
    expect(errors).toHaveLength(1);
    await append(0);
    await waker.wait(0, '0-0', never);
  });

  test('that goes silent is given up by the watchdog, and is replaced', async () => {
    const waker = createWaker([0], { blockMs: 50, graceMs: 1_500 });
    const failure = waker.wait(0, '0-0', never).then(
      () => null,
      (error: unknown) => String(error),
    );
    await eventually(async () => expect(await blockedClients()).toBe(1));
    proxy.stall();
    expect(await failure).toMatch(/stayed unanswered for 1550 ms/);
    proxy.resume();
    await append(0);
    await waker.wait(0, '0-0', never);
  });

  test('is closed when the last partition leaves, whatever it waits for', async () => {
    const waker = createWaker([0]);
    const unwanted = new AbortController();
    const waiting = waker.wait(0, '0-0', unwanted.signal);
    await eventually(async () => expect(await blockedClients()).toBe(1));
    unwanted.abort();
    await waiting;
    await waker.leave(0);
    await waker.leave(0);
    await eventually(() => expect(proxy.connections).toBe(0));
  });
});
