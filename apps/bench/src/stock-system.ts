import { MeteredRedis } from './metered-redis.ts';
import { PeerProcess } from './peer-process.ts';
import type { ProducerCalls } from './peers/producer.ts';
import { JWT_SECRET, peerEntry, type System, type SystemOptions, TENANT } from './system.ts';

/** Socket.IO with the Redis Streams adapter and connection state recovery, and nothing else. */
export async function startStockSystem({ gateways, lifecycle }: SystemOptions): Promise<System> {
  const redis = await MeteredRedis.start();
  lifecycle.onStop('stock Redis', () => redis.stop());
  const env = { REDIS_URL: redis.url, TENANT, JWT_SECRET };
  const peers: PeerProcess[] = [];
  const start = async (name: string): Promise<PeerProcess> => {
    const peer = await PeerProcess.start({ name, entry: peerEntry(name), env, lifecycle });
    peers.push(peer);
    return peer;
  };
  const running = await Promise.all(Array.from({ length: gateways }, () => start('stock-gateway')));
  const producer = (await start('stock-emitter')) as unknown as PeerProcess<ProducerCalls>;
  return {
    side: 'stock',
    redis,
    gatewayUrls: running.map(({ url }) => url),
    gatewayPids: running.map(({ pid }) => pid),
    producer,
    pids: [redis.pid, ...peers.map(({ pid }) => pid)],
    readyEvent: null,
    // The emitter's XADD is all there is to it.
    settled: () => Promise.resolve(),
    async stop() {
      await Promise.all(peers.map((peer) => peer.stop()));
      await redis.stop();
    },
  };
}
