import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { EmbeddedRedis } from '@rejoin/embedded-redis';
import { connect, disconnect, type RedisClient } from '@rejoin/redis';
import { eventually, startTestRedis } from '@rejoin/testing';

const SLOTS = 16_384;

/** A Redis Cluster of masters alone, on free ports. */
export class RedisCluster {
  /** `REDIS_URL` that names every node. */
  readonly url: string;
  readonly #nodes: readonly EmbeddedRedis[];

  private constructor(nodes: readonly EmbeddedRedis[]) {
    this.#nodes = nodes;
    this.url = nodes.map(({ url }) => url).join();
  }

  /** Resolves when every slot is served, as every node sees it. */
  static async start(masters: number): Promise<RedisCluster> {
    const nodes = await Promise.all(Array.from({ length: masters }, () => startNode()));
    const clients = nodes.map(({ redis }) =>
      connect({ url: redis.url, use: 'background', name: 'cluster', onError: () => undefined }),
    );
    try {
      const first = nodes[0] as ClusterNode;
      await Promise.all(
        clients.map(async (client, index) => {
          const from = Math.floor((index * SLOTS) / masters);
          const to = Math.floor(((index + 1) * SLOTS) / masters) - 1;
          await call(client, 'CLUSTER', 'ADDSLOTSRANGE', from, to);
          await call(client, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
          if (index > 0) await call(client, 'CLUSTER', 'MEET', '127.0.0.1', first.port, first.busPort);
        }),
      );
      await eventually(
        async () => {
          const states = await Promise.all(clients.map((client) => call(client, 'CLUSTER', 'INFO')));
          return states.every((state) =>
            [`cluster_state:ok`, `cluster_slots_ok:${SLOTS}`, `cluster_known_nodes:${masters}`].every((line) =>
              String(state).includes(line),
            ),
          );
        },
        { timeoutMs: 30_000 },
      );
    } finally {
      for (const client of clients) disconnect(client);
    }
    return new RedisCluster(nodes.map(({ redis }) => redis));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }
}

interface ClusterNode {
  readonly redis: EmbeddedRedis;
  readonly port: number;
  readonly busPort: number;
}

async function startNode(): Promise<ClusterNode> {
  const [port, busPort] = [await freePort(), await freePort()];
  const redis = await startTestRedis({
    listen: 'tcp',
    port,
    appendOnly: true,
    directives: { 'cluster-enabled': 'yes', 'cluster-port': String(busPort), 'cluster-config-file': 'nodes.conf' },
  });
  return { redis, port, busPort };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function call(client: RedisClient, command: string, ...args: (string | number)[]): Promise<unknown> {
  return client.call(command, ...args);
}
