import { createJobs, type Jobs } from '@rejoin/jobs';
import type { Keyspace, RedisClient } from '@rejoin/redis';
import { GatewayControl } from '@rejoin/socketio';
import { Audit } from './audit/audit.ts';
import { Blocks } from './blocks/blocks.ts';
import { ConnectionsOfGateways } from './connections/connections.ts';
import { Coverage, type CoverageBounds } from './coverage/coverage.ts';
import { DeadLetters, type Rehearse } from './dead-letters/dead-letters.ts';
import { Doctor } from './doctor/doctor.ts';
import { Events } from './events/events.ts';
import { Groups } from './groups/groups.ts';
import { Partitions } from './partitions/partitions.ts';
import { Sampler } from './partitions/sampler.ts';
import { Pauses } from './pauses/pauses.ts';
import { PendingEntries } from './pending/pending.ts';
import { Tenants } from './tenants/tenants.ts';
import { Traces } from './trace/traces.ts';

export interface OperationsOptions {
  /** For short commands. */
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  /** Where Redis is, for asking gateways over connections of its own. */
  readonly redisUrl: string;
  readonly replay: CoverageBounds;
  /** How long gateways have to answer, in milliseconds; 1,500 by default. */
  readonly controlMs?: number;
  /** Milliseconds between two looks at every partition; 3,000 by default. */
  readonly sampleMs?: number;
  /** How long a trace looks through waiting events for an id, in milliseconds; 100 by default. */
  readonly traceMs?: number;
  /** For dead letters: what today's audience rules make of an event. */
  readonly rehearse?: Rehearse;
  /** Called where something that nobody waits for failed. */
  onError(error: unknown): void;
}

/**
 * What an operator can see and do, on one installation. Everything is bounded in what it reads, looks without changing what it
 * looks at, and shows an actor who is bound to a tenant nothing of another.
 *
 *     const operations = new Operations({ … });
 *     operations.start();
 *     await operations.partitions.list(actor);
 */
export class Operations {
  readonly audit: Audit;
  readonly blocks: Blocks;
  readonly connections: ConnectionsOfGateways;
  readonly coverage: Coverage;
  readonly deadLetters: DeadLetters;
  readonly doctor: Doctor;
  readonly events: Events;
  readonly groups: Groups;
  readonly partitions: Partitions;
  readonly pauses: Pauses;
  readonly pending: PendingEntries;
  readonly tenants: Tenants;
  readonly traces: Traces;
  readonly #sampler: Sampler;
  readonly #control: GatewayControl;
  readonly #jobs: Jobs;

  constructor(options: OperationsOptions) {
    const { client, keys, partitions, redisUrl, replay, controlMs, sampleMs, traceMs, rehearse, onError } = options;
    this.#control = new GatewayControl({
      redisUrl,
      keys,
      onError,
      ...(controlMs === undefined ? {} : { deadlineMs: controlMs }),
    });
    this.#sampler = new Sampler({
      client,
      keys,
      partitions,
      onError,
      ...(sampleMs === undefined ? {} : { intervalMs: sampleMs }),
    });
    this.#jobs = createJobs({ redisUrl, keys, partitions, onError });
    this.audit = new Audit(client, keys);
    this.blocks = new Blocks(client, keys, this.audit);
    this.connections = new ConnectionsOfGateways(this.#control, client, keys, this.audit);
    this.coverage = new Coverage(this.#sampler, this.#control, partitions, replay);
    this.deadLetters = new DeadLetters(client, keys, partitions, this.audit, this.#jobs.tasks, rehearse);
    this.doctor = new Doctor(client, keys, partitions, this.#sampler);
    this.events = new Events(client, keys, partitions, this.audit);
    this.groups = new Groups(client, keys, partitions, this.audit);
    this.partitions = new Partitions(client, keys, partitions, this.#sampler);
    this.pauses = new Pauses(client, keys, this.audit, this.#sampler);
    this.pending = new PendingEntries(client, keys);
    this.tenants = new Tenants(client, keys, partitions);
    this.traces = new Traces(client, keys, partitions, replay.windowMs, this.#control, this.#sampler, traceMs);
  }

  /** Begins to sample. */
  start(): void {
    this.#sampler.start();
  }

  async stop(): Promise<void> {
    this.#sampler.stop();
    this.#control.close();
    await this.#jobs.close();
  }
}
