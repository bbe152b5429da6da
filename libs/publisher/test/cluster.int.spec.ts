import { expect, test } from '@jest/globals';
import { createPublisher } from '@rejoin/publisher';
import { connect, disconnect } from '@rejoin/redis';
import { eventually, startTestRedis } from '@rejoin/testing';
import { Redis } from 'ioredis';

test('publishes to a Redis Cluster, each partition in the slot of its hash tag', async () => {
  const servers = await Promise.all(
    [0, 1].map(() => startTestRedis({ listen: 'tcp', directives: { 'cluster-enabled': 'yes' } })),
  );
  const [first, second] = servers.map(({ url }) => new Redis(url)) as [Redis, Redis];
  const url = servers.map((server) => server.url).join(',');
  const publisher = createPublisher({ redis: url, prefix: 'c', whenUnavailable: { waitMs: 10_000 } });
  const client = connect({ url, use: 'commands', name: 'cluster-test', onError: () => undefined });
  try {
    await first.cluster('ADDSLOTSRANGE', 0, 8_191);
    await second.cluster('ADDSLOTSRANGE', 8_192, 16_383);
    await first.cluster('MEET', '127.0.0.1', new URL(servers[1]?.url as string).port);
    const state = async (node: Redis) => (await node.cluster('INFO')).includes('cluster_state:ok');
    await eventually(async () => (await state(first)) && (await state(second)), { timeoutMs: 10_000 });
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        publisher.publish({ id: `e-${index}`, tenantid: `tenant-${index}`, source: '/orders', type: 'order.paid' }),
      ),
    );
    expect(new Set(results.map(({ partition }) => partition)).size).toBe(8);
    const lengths = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((each) => client.xlen(`{c:${each}}:events`)));
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(200);
    const keys = await Promise.all([first.dbsize(), second.dbsize()]);
    expect(Math.min(...keys)).toBeGreaterThan(0);
  } finally {
    await publisher.close();
    for (const each of [client, first, second]) disconnect(each);
    await Promise.all(servers.map((server) => server.stop()));
  }
});
