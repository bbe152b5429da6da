import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { disconnect, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { eventually, TcpProxy, testRedis, uniquePrefix } from '@rejoin/testing';
import { LeaseManager, type LeaseManagerOptions, type PartitionLease } from '../src/index.ts';
import { testClient } from './test-partition.ts';

const PARTITIONS = 8;
const TTL_MS = 600;
const POLL_MS = 20;

let client: RedisClient;
const managers: LeaseManager[] = [];
beforeAll(() => {
  client = testClient();
});
afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.stop(100)));
});
afterAll(() => disconnect(client));

/** Works until it is asked to stop. */
async function untilYield(lease: PartitionLease): Promise<void> {
  await aborted(lease.yielding);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

function startWorker(keys: Keyspace, options: Partial<LeaseManagerOptions> = {}): LeaseManager {
  const manager = new LeaseManager({
    client,
    keys,
    partitions: PARTITIONS,
    work: untilYield,
    onError: () => undefined,
    ttlMs: TTL_MS,
    pollMs: POLL_MS,
    ...options,
  });
  managers.push(manager);
  manager.start();
  return manager;
}

function owned(manager: LeaseManager): number[] {
  return manager.leases.map(({ partition }) => partition);
}

/** Every partition is owned, by one of the workers alone, and none has two more than another. */
function expectBalanced(workers: readonly LeaseManager[]): void {
  const counts = workers.map((worker) => owned(worker).length);
  expect(workers.flatMap(owned).sort((a, b) => a - b)).toEqual(Array.from({ length: PARTITIONS }, (_, index) => index));
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
}

describe('workers', () => {
  test.each([1, 2, 3, 4, 5])('%i of them share the partitions evenly', async (count) => {
    const keys = keyspace(uniquePrefix());
    const workers = Array.from({ length: count }, () => startWorker(keys));
    await eventually(() => expectBalanced(workers));
  });

  test('make room for one that joins, and take over from one that leaves', async () => {
    const keys = keyspace(uniquePrefix());
    const ttlMs = 20_000;
    const workers = [startWorker(keys, { ttlMs })];
    await eventually(() => expectBalanced(workers));
    workers.push(startWorker(keys, { ttlMs }), startWorker(keys, { ttlMs }));
    await eventually(() => expectBalanced(workers));
    await (workers.shift() as LeaseManager).stop();
    const leftAtMs = performance.now();
    await eventually(() => expectBalanced(workers));
    // At once, not when leases or heartbeats have run out.
    expect(performance.now() - leftAtMs).toBeLessThan(ttlMs / 2);
  });

  test('more than there are partitions leave some idle', async () => {
    const keys = keyspace(uniquePrefix());
    const workers = Array.from({ length: 3 }, () => startWorker(keys, { partitions: 2 }));
    await eventually(() => {
      expect(workers.flatMap(owned).sort((a, b) => a - b)).toEqual([0, 1]);
      expect(workers.filter((worker) => owned(worker).length === 0)).toHaveLength(1);
    });
  });

  test('take over from one that died without a word', async () => {
    const keys = keyspace(uniquePrefix());
    const proxy = await TcpProxy.start(testRedis());
    const proxied = testClient(proxy.url);
    try {
      const dead = startWorker(keys, { client: proxied });
      const heir = startWorker(keys);
      await eventually(() => expectBalanced([dead, heir]));
      proxy.drop();
      await eventually(() => expect(owned(heir)).toHaveLength(PARTITIONS));
      expect(owned(dead)).toEqual([]);
    } finally {
      disconnect(proxied);
      await proxy.stop();
    }
  });
});

describe('a lease', () => {
  test('is given back only after the batch at hand, and then at once', async () => {
    const keys = keyspace(uniquePrefix());
    const finish = new AbortController();
    const ttlMs = 1_500;
    const first = startWorker(keys, {
      ttlMs,
      work: async (lease) => {
        await aborted(lease.yielding);
        await aborted(finish.signal);
      },
    });
    await eventually(() => expect(owned(first)).toHaveLength(PARTITIONS));
    const second = startWorker(keys, { ttlMs });
    // Longer than a lease holds: what is being finished is renewed still.
    const finishAtMs = performance.now() + 1.5 * ttlMs;
    await eventually(() => {
      expect(first.leases.filter((lease) => lease.yielding.aborted)).toHaveLength(PARTITIONS / 2);
      expect(owned(second)).toEqual([]);
      return performance.now() > finishAtMs;
    });
    finish.abort();
    await eventually(() => expectBalanced([first, second]));
  });

  test('that Redis lost is noticed by the next renewal, and taken anew', async () => {
    const keys = keyspace(uniquePrefix());
    const ended: PartitionLease[] = [];
    const worker = startWorker(keys, {
      ttlMs: 6_000,
      work: async (lease) => {
        await aborted(lease.ended);
        ended.push(lease);
      },
    });
    await eventually(() => expect(owned(worker)).toHaveLength(PARTITIONS));
    const lost = worker.leases[3] as PartitionLease;
    await client.set(keys.partition(3).lease, 'somebody-else', 'PX', 200);
    const lostAtMs = performance.now();
    await eventually(() => expect(ended).toContain(lost));
    // By a renewal, which is due every third of the lease, and not when the lease runs out.
    expect(performance.now() - lostAtMs).toBeLessThan(3_500);
    await eventually(() => expect(worker.leases[3]?.token).not.toBe(lost.token));
    await eventually(() => expect(owned(worker)).toHaveLength(PARTITIONS));
    expect(ended).toEqual([lost]);
  });

  test('ends by the worker’s own clock where Redis cannot be reached, and comes back with it', async () => {
    const keys = keyspace(uniquePrefix());
    const proxy = await TcpProxy.start(testRedis());
    const proxied = testClient(proxy.url);
    const errors: unknown[] = [];
    try {
      const worker = startWorker(keys, { client: proxied, onError: (error) => errors.push(error) });
      await eventually(() => expect(owned(worker)).toHaveLength(PARTITIONS));
      expect(worker.ready).toBe(true);
      const { leases } = worker;
      proxy.refuse();
      const cutAtMs = performance.now();
      await eventually(() => expect(leases.every(({ held }) => !held)).toBe(true));
      expect(performance.now() - cutAtMs).toBeLessThan(TTL_MS + 2_000);
      await eventually(() => expect(leases.every(({ ended }) => ended.aborted)).toBe(true));
      await eventually(() => expect(worker.ready).toBe(false));
      expect(errors.length).toBeGreaterThan(0);
      proxy.resume();
      await eventually(() => expect(owned(worker)).toHaveLength(PARTITIONS));
      expect(worker.ready).toBe(true);
    } finally {
      disconnect(proxied);
      await proxy.stop();
    }
  });

  test('whose work fails is given back, reported, and taken again', async () => {
    const keys = keyspace(uniquePrefix());
    const errors: unknown[] = [];
    let attempts = 0;
    const worker = startWorker(keys, {
      partitions: 1,
      onError: (error) => errors.push(error),
      work: async (lease) => {
        attempts += 1;
        if (attempts < 3) throw new Error(`attempt ${attempts}`);
        await untilYield(lease);
      },
    });
    await eventually(() => expect(attempts).toBe(3));
    await eventually(() => expect(owned(worker)).toEqual([0]));
    expect(errors).toEqual([new Error('attempt 1'), new Error('attempt 2')]);
  });
});

describe('stopping', () => {
  test('leaves neither leases nor a heartbeat, and is the same when repeated', async () => {
    const keys = keyspace(uniquePrefix());
    const worker = startWorker(keys);
    await eventually(() => expect(owned(worker)).toHaveLength(PARTITIONS));
    await Promise.all([worker.stop(), worker.stop()]);
    const leases = Array.from({ length: PARTITIONS }, (_, partition) => keys.partition(partition).lease);
    expect(await client.exists(keys.workers, ...leases)).toBe(0);
    expect(worker.ready).toBe(false);
  });

  test('ends leases after its deadline, whatever is at hand', async () => {
    const keys = keyspace(uniquePrefix());
    const worker = startWorker(keys, { work: (lease) => aborted(lease.ended) });
    await eventually(() => expect(owned(worker)).toHaveLength(PARTITIONS));
    await worker.stop(50);
    expect(owned(worker)).toEqual([]);
  });

  test('before it was started does nothing', async () => {
    const manager = new LeaseManager({
      client,
      keys: keyspace(uniquePrefix()),
      partitions: 1,
      work: untilYield,
      onError: () => undefined,
    });
    await manager.stop();
    expect(manager.leases).toEqual([]);
  });
});
