import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keyspace } from '@rejoin/redis';
import { BenchError } from './errors.ts';
import { MeteredRedis } from './metered-redis.ts';
import { PeerProcess } from './peer-process.ts';
import type { ProducerCalls } from './peers/producer.ts';
import { JWT_SECRET, peerEntry, type System, type SystemOptions, TENANT } from './system.ts';

export const PREFIX = 'bench';
const SETTLE_TIMEOUT_MS = 60_000;

/** This project: gateways, one worker, and a producer that uses the publisher library. */
export async function startRejoinSystem({
  gateways,
  partitions,
  lifecycle,
  profileDirectory,
}: SystemOptions): Promise<System> {
  const redis = await MeteredRedis.start();
  lifecycle.onStop('Redis', () => redis.stop());
  const env = {
    REDIS_URL: redis.url,
    REJOIN_PREFIX: PREFIX,
    JWT_SECRET,
    TENANT,
    PORT: '0',
    LOG_LEVEL: 'warn',
    ...(partitions === undefined ? {} : { REJOIN_PARTITIONS: String(partitions) }),
  };
  const execArgv = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const peers: PeerProcess[] = [];
  const start = async (name: string, entry: string): Promise<PeerProcess> => {
    const profile =
      execArgv.length > 0 ? [...execArgv, `--cpu-prof-name=${name}-${peers.length}-${Date.now()}.cpuprofile`] : [];
    const peer = await PeerProcess.start({ name, entry, env, execArgv: profile, lifecycle, stopSignal: 'SIGTERM' });
    peers.push(peer);
    return peer;
  };
  const running = await Promise.all([
    start('worker', appEntry('worker')),
    ...Array.from({ length: gateways }, () => start('gateway', appEntry('gateway'))),
  ]);
  const producer = (await start('producer', peerEntry('rejoin-producer'))) as unknown as PeerProcess<ProducerCalls>;
  return {
    side: 'rejoin',
    redis,
    gatewayUrls: running.slice(1).map(({ url }) => url),
    gatewayPids: running.slice(1).map(({ pid }) => pid),
    producer,
    pids: [redis.pid, ...peers.map(({ pid }) => pid)],
    readyEvent: 'rejoin:ready',
    settled: () => fannedOut(redis),
    async stop() {
      await Promise.all(peers.map((peer) => peer.stop()));
      await redis.stop();
    },
  };
}

function appEntry(app: string): string {
  return fileURLToPath(new URL(`../../../dist/${app}.js`, import.meta.url));
}

/** Resolves when the last event of every partition is handled. */
async function fannedOut({ client }: MeteredRedis): Promise<void> {
  const keys = keyspace(PREFIX);
  const count = Number(await client.hget(keys.installation, 'partitions'));
  const partitions = Array.from({ length: count }, (_, partition) => keys.partition(partition));
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const handled = await Promise.all(
      partitions.map(async ({ events, done }) => {
        if ((await client.exists(events)) === 0) return true;
        const info = (await client.call('XINFO', 'STREAM', events)) as unknown[];
        const last = info[info.indexOf('last-generated-id') + 1];
        return last === '0-0' || last === (await client.get(done));
      }),
    );
    if (handled.every(Boolean)) return;
    if (performance.now() > deadline) {
      throw new BenchError(
        'NOT_DELIVERED',
        `the worker did not fan everything out within ${SETTLE_TIMEOUT_MS / 1000} s`,
      );
    }
    await delay(20);
  }
}
