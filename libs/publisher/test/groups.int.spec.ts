import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createPublisher, type Publisher } from '@rejoin/publisher';
import { connect, disconnect, keyspace } from '@rejoin/redis';
import { startTestRedis, testRedis, uniquePrefix } from '@rejoin/testing';

let prefix: string;
let publisher: Publisher;

beforeEach(() => {
  prefix = uniquePrefix();
  publisher = createPublisher({ redis: testRedis(), prefix, partitions: 1 });
});
afterEach(() => publisher.close());

test('groups are changed through a publisher', async () => {
  expect(await publisher.groups.add('acme', 'team', ['a', 'b'])).toEqual({ added: 2, removed: 0, size: 2 });
  expect(await publisher.groups.remove('acme', 'team', ['a'])).toEqual({ added: 0, removed: 1, size: 1 });
  expect(await publisher.groups.set('acme', 'team', ['c'])).toEqual({ added: 1, removed: 1, size: 1 });
  const client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  expect(await client.smembers(keyspace(prefix).partition(0).members('acme:group%3Ateam'))).toEqual(['c']);
  disconnect(client);
});

test('what cannot be a group is refused in words, and a closed publisher changes nothing', async () => {
  await expect(publisher.groups.add('acme', '', ['a'])).rejects.toMatchObject({
    code: 'INVALID_GROUP',
    message: expect.stringContaining('the name of a group'),
  });
  await expect(publisher.groups.add('acme', 'team', ['a', 'b\n'])).rejects.toMatchObject({ code: 'INVALID_GROUP' });
  await publisher.close();
  await expect(publisher.groups.add('acme', 'team', ['a'])).rejects.toMatchObject({ code: 'PUBLISHER_CLOSED' });
});

test('while Redis is away a change fails with the error of publishing', async () => {
  const redis = await startTestRedis();
  const own = createPublisher({ redis: redis.url, prefix, commandTimeoutMs: 1_000 });
  try {
    await own.groups.add('acme', 'team', ['a']);
    await redis.stop();
    await expect(own.groups.add('acme', 'team', ['b'])).rejects.toMatchObject({
      code: 'STREAM_UNAVAILABLE',
      retryable: true,
    });
  } finally {
    await own.close();
    await redis.stop();
  }
});

test('when memory is full nobody is added, and whoever shall be is removed', async () => {
  const redis = await startTestRedis();
  const client = connect({ url: redis.url, use: 'commands', name: 'test', onError: () => undefined });
  const own = createPublisher({ redis: redis.url, prefix });
  try {
    await own.groups.add('acme', 'team', ['a', 'b']);
    await client.config('SET', 'maxmemory', '1');
    await expect(own.groups.add('acme', 'team', ['c'])).rejects.toMatchObject({
      code: 'STREAM_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('OOM'),
    });
    expect(await own.groups.remove('acme', 'team', ['b'])).toEqual({ added: 0, removed: 1, size: 1 });
  } finally {
    disconnect(client);
    await own.close();
    await redis.stop();
  }
});
