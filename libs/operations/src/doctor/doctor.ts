import type { Keyspace, RedisClient } from '@rejoin/redis';
import { type Actor, requireAllTenants } from '../actor.ts';
import type { DoctorView, FindingView } from '../installation-view.ts';
import type { Sampler } from '../partitions/sampler.ts';

type Info = ReadonlyMap<string, string>;

const MEMORY_WARN = 0.8;

/** Looks at a server's settings, and says what endangers the guarantees, with the remedy. Reads INFO, which managed servers allow. */
export class Doctor {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #partitions: number;
  readonly #sampler: Sampler;

  constructor(client: RedisClient, keys: Keyspace, partitions: number, sampler: Sampler) {
    this.#client = client;
    this.#keys = keys;
    this.#partitions = partitions;
    this.#sampler = sampler;
  }

  /** @throws OperationError */
  async examine(actor: Actor): Promise<DoctorView> {
    requireAllTenants(actor);
    const nodes = 'nodes' in this.#client ? this.#client.nodes('master') : [this.#client];
    const infos = await Promise.all(nodes.map(async (node) => parseInfo(await node.info())));
    await this.#sampler.look();
    const findings = new Map<string, FindingView>();
    for (const info of infos) for (const finding of examineServer(info)) findings.set(finding.code, finding);
    const workers = await this.#client.zcard(this.#keys.workers);
    if (workers === 0) {
      findings.set('NO_WORKER', {
        code: 'NO_WORKER',
        severity: 'critical',
        title: 'no worker runs',
        detail: 'nobody brings events to their clients',
        remedy: 'start a worker, and look at its log if it ends',
      });
    }
    for (const finding of this.#examinePartitions()) findings.set(finding.code, finding);
    const [info] = infos;
    const valkey = info?.get('valkey_version');
    return {
      asOf: new Date(this.#sampler.nowMs).toISOString(),
      prefix: this.#keys.prefix,
      partitions: this.#partitions,
      server: {
        name: valkey === undefined ? 'Redis' : 'Valkey',
        version: valkey ?? info?.get('redis_version') ?? 'unknown',
        mode: info?.get('redis_mode') ?? 'unknown',
      },
      findings: [...findings.values()],
    };
  }

  *#examinePartitions(): Generator<FindingView> {
    const samples = Array.from({ length: this.#partitions }, (_, partition) =>
      this.#sampler.window(partition).at(-1),
    ).filter((sample) => sample !== undefined);
    const blind = samples.filter(({ group }) => group !== null && group.lag === null).map(({ partition }) => partition);
    if (blind.length > 0) {
      yield {
        code: 'LAG_UNKNOWN',
        severity: 'info',
        title: 'Redis does not know the lag of some partitions',
        detail: `partitions ${blind.join(', ')}: an entry was deleted, or the group began at an arbitrary position; our own count is shown as a lower bound`,
        remedy: 'delete no entries of event streams; the lag is known again once the group has passed the deletion',
      };
    }
    const full = samples.filter((sample) => sample.full !== null).map(({ partition }) => partition);
    if (full.length > 0) {
      yield {
        code: 'PUBLISHING_REFUSED',
        severity: 'critical',
        title: 'publishing is refused',
        detail: `partitions ${full.join(', ')}: memory is short`,
        remedy: 'raise maxmemory, or lower REPLAY_MAX_BYTES or REPLAY_WINDOW',
      };
    }
  }
}

/** What of a server's settings bites. */
export function* examineServer(info: Info): Generator<FindingView> {
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
