import type { Keyspace, RedisClient } from '@rejoin/redis';
import { examineServer, readServerInfo } from '@rejoin/streams';
import { type Actor, requireAllTenants } from '../actor.ts';
import type { DoctorView, FindingView } from '../installation-view.ts';
import type { Sampler } from '../partitions/sampler.ts';

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
    const infos = await readServerInfo(this.#client);
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
