import { type EmbeddedRedis, startEmbeddedRedis } from '@rejoin/embedded-redis';
import { connect, disconnect, type RedisClient } from '@rejoin/redis';

/** What a Redis server spent, since it started. */
export interface RedisUsage {
  /** Bytes that it sent to its clients. */
  readonly outputBytes: number;
  /** Bytes that its clients sent to it. */
  readonly inputBytes: number;
  /** User and system time of the process, in seconds. */
  readonly cpuSeconds: number;
}

/**
 * A private Redis server of one side. Both sides have the same: a loopback port, and an append-only file forced to disk every
 * second, as `npm start` has it.
 */
export class MeteredRedis {
  readonly url: string;
  readonly version: string;
  readonly pid: number;
  readonly client: RedisClient;
  readonly #server: EmbeddedRedis;

  private constructor(server: EmbeddedRedis) {
    this.#server = server;
    this.url = server.url;
    this.version = server.version;
    this.pid = server.pid;
    this.client = connect({
      url: server.url,
      use: 'background',
      name: 'bench',
      onError: (error) => process.stderr.write(`bench: Redis: ${error.message}\n`),
    });
  }

  static async start(): Promise<MeteredRedis> {
    return new MeteredRedis(await startEmbeddedRedis({ listen: 'tcp', appendOnly: true }));
  }

  async usage(): Promise<RedisUsage> {
    const [stats, cpu] = await Promise.all([this.client.info('stats'), this.client.info('cpu')]);
    return {
      outputBytes: field(stats, 'total_net_output_bytes'),
      inputBytes: field(stats, 'total_net_input_bytes'),
      cpuSeconds: field(cpu, 'used_cpu_user') + field(cpu, 'used_cpu_sys'),
    };
  }

  async stop(): Promise<void> {
    disconnect(this.client);
    await this.#server.stop();
  }
}

/** What was spent from one reading to the next. */
export function usageBetween(before: RedisUsage, after: RedisUsage): RedisUsage {
  return {
    outputBytes: after.outputBytes - before.outputBytes,
    inputBytes: after.inputBytes - before.inputBytes,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
  };
}

function field(info: string, name: string): number {
  const value = new RegExp(`^${name}:([\\d.]+)\\r?$`, 'm').exec(info)?.[1];
  if (value === undefined) throw new Error(`INFO does not say ${name}`);
  return Number(value);
}
