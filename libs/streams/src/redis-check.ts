import type { RedisClient } from '@rejoin/redis';

/**
 * What of a Redis' configuration endangers the guarantees, in words for its operator; nothing where it is sound. Reads
 * INFO, which managed servers allow where they forbid CONFIG.
 */
export async function checkRedis(client: RedisClient): Promise<string[]> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  const warnings = new Set<string>();
  for (const node of nodes) {
    const info = parseInfo(`${await node.info('memory')}\n${await node.info('persistence')}`);
    const policy = info.get('maxmemory_policy') ?? 'unknown';
    if (info.get('maxmemory') !== '0' && policy !== 'noeviction') {
      warnings.add(
        `Redis' maxmemory-policy is "${policy}": when memory is short it may drop a whole stream, accepted events included. ` +
          'Set maxmemory-policy to noeviction.',
      );
    }
    if (info.get('aof_enabled') !== '1') {
      warnings.add(
        "Redis' append-only file is off: when Redis ends, accepted events and everything that clients could resume from may be lost. " +
          'Set appendonly to yes.',
      );
    }
  }
  return [...warnings];
}

function parseInfo(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).map((line) => line.split(':', 2));
  return new Map(lines.filter((line): line is [string, string] => line.length === 2));
}
