import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FencedError, markUpkept, removeIdleConsumers } from '../src/index.ts';
import { TestPartition } from './test-partition.ts';

let partition: TestPartition;
beforeEach(async () => {
  partition = await TestPartition.open();
});
afterEach(() => partition.close());

const take = (consumer: string, count = 1) =>
  partition.client.xreadgroup('GROUP', 'bridge', consumer, 'COUNT', count, 'STREAMS', partition.keys.events, '>');

async function consumers(): Promise<string[]> {
  const infos = (await partition.client.call('XINFO', 'CONSUMERS', partition.keys.events, 'bridge')) as string[][];
  return infos.map((info) => info[info.indexOf('name') + 1] as string).sort();
}

const remove = (idleMs: number) => removeIdleConsumers(partition.client, partition.keys, partition.token, idleMs);

test('consumers beside ours go when they are idle, and only when they have nothing pending', async () => {
  const { client, keys } = partition;
  expect(await remove(0)).toBe(0);
  const ids = await partition.append('a', 'b');
  expect(await remove(0)).toBe(0);
  await client.xgroup('CREATE', keys.events, 'bridge', '0');
  await take('worker');
  await take('by-hand');
  await client.xgroup('CREATECONSUMER', keys.events, 'bridge', 'curious');
  expect(await remove(60_000)).toBe(0);
  expect(await remove(0)).toBe(1);
  expect(await consumers()).toEqual(['by-hand', 'worker']);
  await client.xack(keys.events, 'bridge', ids[1] as string);
  expect(await remove(0)).toBe(1);
  expect(await consumers()).toEqual(['worker']);
  // What is ours and pending is untouched.
  expect(await client.xpending(keys.events, 'bridge')).toMatchObject([1, ids[0], ids[0], [['worker', '1']]]);
});

test('upkeep of a former owner counts for nothing', async () => {
  const { client, keys } = partition;
  await markUpkept(client, keys, partition.token, 60_000);
  expect(await client.pttl(keys.upkept)).toBeGreaterThan(0);
  await client.del(keys.upkept);
  await client.set(keys.lease, 'another');
  await expect(markUpkept(client, keys, partition.token, 60_000)).rejects.toThrow(FencedError);
  await expect(remove(0)).rejects.toThrow(FencedError);
  expect(await client.exists(keys.upkept)).toBe(0);
});
