import type { RedisClient } from '@rejoin/redis';

/** Redis 7.0 brought what scripts here rely on: flags, and the lag of consumer groups. Valkey reports a later version. */
const OLDEST_MAJOR = 7;

/**
 * What of a Redis' configuration endangers the guarantees, in words for its operator; nothing where it is sound. Reads
 * INFO, which managed servers allow where they forbid CONFIG.
 */
export async function checkRedis(client: RedisClient): Promise<string[]> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  const warnings = new Set<string>();
  for (const node of nodes) {
    const sections = ['server', 'memory', 'persistence'];
    const texts = await Promise.all(sections.map((section) => node.info(section)));
    const info = parseInfo(texts.join('\n'));
    const version = info.get('redis_version') ?? '';
    if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
      warnings.add(
        `This Redis is of version ${version}, and at least ${OLDEST_MAJOR}.0 is needed. Install a newer one.`,
      );
    }
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
    } else if (info.get('aof_last_write_status') === 'err') {
      warnings.add(
        'Redis cannot write its append-only file, so it refuses writes, or will lose what it accepts. Look at the free space of its disk.',
      );
    }
  }
  return [...warnings];
}

function parseInfo(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).map((line) => line.split(':', 2));
  return new Map(lines.filter((line): line is [string, string] => line.length === 2));
}
