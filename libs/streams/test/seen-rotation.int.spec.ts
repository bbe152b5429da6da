import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { appendEvents, eventDigest, rotateSeen } from '../src/index.ts';
import { TestPartition } from './test-partition.ts';

const PERIOD_MS = 600_000;

let partition: TestPartition;
beforeEach(async () => {
  partition = await TestPartition.open();
});
afterEach(() => partition.close());

/** Makes a generation look as if it began, or ended, that long ago. */
async function age(key: string, field: 'since' | 'until', ms: number): Promise<void> {
  const then = Number(await partition.client.hget(key, field)) - ms;
  await partition.client.hset(key, field, then);
}

function rotate(): Promise<boolean> {
  return rotateSeen(partition.client, partition.keys, partition.token);
}

async function publish(id: string): Promise<boolean> {
  const event = { digest: eventDigest('acme', 'test', id), json: '{}' };
  const { events } = await appendEvents(partition.client, partition.keys, [event]);
  return events[0]?.duplicate as boolean;
}

test('a generation becomes the previous one after its period, and is dropped after another', async () => {
  const { client, keys } = partition;
  expect(await publish('a')).toBe(false);
  expect(await rotate()).toBe(false);
  await age(keys.seen, 'since', PERIOD_MS - 1_000);
  expect(await rotate()).toBe(false);
  await age(keys.seen, 'since', 1_000);
  expect(await rotate()).toBe(true);
  expect(await client.exists(keys.seen)).toBe(0);
  expect(await publish('a')).toBe(true);
  expect(await publish('b')).toBe(false);
  expect(await rotate()).toBe(false);
  await age(keys.seen, 'since', PERIOD_MS);
  expect(await rotate()).toBe(true);
  expect(await client.hexists(keys.seenBefore, eventDigest('acme', 'test', 'a'))).toBe(0);
  expect(await publish('b')).toBe(true);
});

test('the previous generation goes when it is old, even where no new events come', async () => {
  const { client, keys } = partition;
  await publish('a');
  await rotate();
  await age(keys.seen, 'since', PERIOD_MS);
  await rotate();
  await age(keys.seenBefore, 'until', PERIOD_MS - 1_000);
  await rotate();
  expect(await client.exists(keys.seenBefore)).toBe(1);
  await age(keys.seenBefore, 'until', 1_000);
  expect(await rotate()).toBe(false);
  expect(await client.exists(keys.seenBefore)).toBe(0);
});

test('where nothing was seen nothing is kept', async () => {
  expect(await rotate()).toBe(false);
  expect(await partition.client.exists(partition.keys.seen, partition.keys.seenBefore)).toBe(0);
});

test('a clock that was set back does not keep a generation for ever', async () => {
  await publish('a');
  await rotate();
  await age(partition.keys.seen, 'since', -10 * PERIOD_MS);
  expect(await rotate()).toBe(true);
});
