import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect, disconnect, keyspace, type RedisClient } from '@rejoin/redis';
import { TcpProxy, testRedis, uniquePrefix } from '@rejoin/testing';
import { RateLimit } from '../src/index.ts';

let client: RedisClient;
beforeEach(() => {
  client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
});
afterEach(() => disconnect(client));

const OPTIONS = { scope: 'test', points: 3, durationS: 60 };

describe.each(['inMemory', 'shared'] as const)('a limit %s', (kind) => {
  const create = () =>
    kind === 'inMemory' ? RateLimit.inMemory(OPTIONS) : RateLimit.shared(client, keyspace(uniquePrefix()), OPTIONS);

  it('lets so many pass for each key, and says how long the others have to wait', async () => {
    const limit = create();
    for (let i = 0; i < 3; i++) expect(await limit.take('a')).toBe(0);
    const waitMs = await limit.take('a');
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(60_000);
    expect(await limit.take('b')).toBe(0);
  });

  it('counts several at a time', async () => {
    const limit = create();
    expect(await limit.take('a', 2)).toBe(0);
    expect(await limit.take('a', 2)).toBeGreaterThan(0);
  });

  it('begins again for a key that was forgotten', async () => {
    const limit = create();
    expect(await limit.take('a', 3)).toBe(0);
    await limit.forget('a');
    expect(await limit.take('a', 3)).toBe(0);
  });
});

describe('a limit in Redis', () => {
  it('is one for all processes of an installation, and none of another’s', async () => {
    const keys = keyspace(uniquePrefix());
    const [one, two] = [RateLimit.shared(client, keys, OPTIONS), RateLimit.shared(client, keys, OPTIONS)];
    expect(await one.take('a', 2)).toBe(0);
    expect(await two.take('a', 2)).toBeGreaterThan(0);
    expect(await RateLimit.shared(client, keyspace(uniquePrefix()), OPTIONS).take('a', 2)).toBe(0);
  });

  it('goes on in each process while Redis is away', async () => {
    const proxy = await TcpProxy.start(testRedis());
    const away = connect({ url: proxy.url, use: 'commands', name: 'test', onError: () => undefined });
    try {
      const limit = RateLimit.shared(away, keyspace(uniquePrefix()), OPTIONS);
      expect(await limit.take('a')).toBe(0);
      await proxy.stop();
      expect(await limit.take('a', 3)).toBe(0);
      expect(await limit.take('a')).toBeGreaterThan(0);
    } finally {
      disconnect(away);
      await proxy.stop();
    }
  });
});
