import type { RedisClient } from '@rejoin/redis';

/** What of a server's settings endangers the guarantees, and how to mend it. */
export interface ServerFinding {
  /** Stable. */
  readonly code: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
}

/** Fields of `INFO`. */
export type ServerInfo = ReadonlyMap<string, string>;

const MEMORY_WARN = 0.8;

/** What a process says at its start of each server that it writes to; nothing where all is sound. */
export async function checkRedis(client: RedisClient): Promise<ServerFinding[]> {
  const findings = new Map<string, ServerFinding>();
  for (const info of await readServerInfo(client)) {
    for (const finding of examineServer(info)) if (finding.severity !== 'info') findings.set(finding.code, finding);
  }
  return [...findings.values()];
}

/** Of every master. `INFO` is what managed servers allow where they forbid CONFIG. */
export async function readServerInfo(client: RedisClient): Promise<ServerInfo[]> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  return Promise.all(nodes.map(async (node) => parseInfo(await node.info())));
}

/** What of a server's settings bites. */
export function* examineServer(info: ServerInfo): Generator<ServerFinding> {
  const max = Number(info.get('maxmemory') ?? 0);
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  if (policy !== 'noeviction') {
    yield {
      code: 'EVICTION_POLICY',
      severity: max > 0 ? 'critical' : 'warning',
      title: `maxmemory-policy is ${policy}`,
      detail: 'when memory is short, the server may drop a whole stream, accepted events included',
      remedy: 'CONFIG SET maxmemory-policy noeviction, and write it into the configuration file',
    };
  }
  if (max > 0 && Number(info.get('used_memory') ?? 0) > max * MEMORY_WARN) {
    yield {
      code: 'MEMORY_SHORT',
      severity: 'warning',
      title: 'memory is nearly full',
      detail: `${info.get('used_memory_human')} of ${info.get('maxmemory_human')} are used; publishing is refused above 90 %`,
      remedy: 'raise maxmemory, or lower REPLAY_MAX_BYTES or REPLAY_WINDOW',
    };
  }
  if (info.get('aof_enabled') === '0') {
    yield {
      code: 'NO_PERSISTENCE',
      severity: 'critical',
      title: 'the append-only file is off',
      detail: 'when the server ends, accepted events and everything that clients could resume from may be lost',
      remedy: 'CONFIG SET appendonly yes, and write it into the configuration file',
    };
  }
  if (info.get('aof_last_write_status') === 'err' || info.get('rdb_last_bgsave_status') === 'err') {
    yield {
      code: 'PERSISTENCE_FAILS',
      severity: 'critical',
      title: 'writing to disk fails',
      detail: `append-only file: ${info.get('aof_last_write_status')}, snapshot: ${info.get('rdb_last_bgsave_status')}`,
      remedy: 'look at the server’s log and the free space of its disk',
    };
  }
  const version = info.get('redis_version') ?? '0';
  if (info.get('valkey_version') === undefined && compareVersions(version, '7.0.0') < 0) {
    yield {
      code: 'VERSION_TOO_OLD',
      severity: 'critical',
      title: `Redis ${version} is too old`,
      detail: 'scripts that must run when memory is full, and the lag of groups, need 7.0',
      remedy: 'install Redis or Valkey 7.0 or later',
    };
  } else if (info.get('valkey_version') === undefined && compareVersions(version, '7.4.2') < 0) {
    yield {
      code: 'LAG_BUG',
      severity: 'info',
      title: `Redis ${version} may report a wrong lag`,
      detail:
        'versions up to 7.4.1 are wrong after a trim ahead of the group; our own count is compared, and a difference shown as a lower bound',
      remedy: 'nothing must be done; 7.4.2 and later are right',
    };
  }
  if (info.get('role') === 'slave') {
    yield {
      code: 'REPLICA',
      severity: 'critical',
      title: 'this server is a replica',
      detail: 'nothing can be written here',
      remedy: 'let REDIS_URL name the master, or sentinels',
    };
  }
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  for (let i = 0; i < 3; i++) if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) - (right[i] ?? 0);
  return 0;
}

function parseInfo(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).map((line) => line.split(':', 2));
  return new Map(lines.filter((line): line is [string, string] => line.length === 2));
}
