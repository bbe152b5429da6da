import type { Keyspace, RedisClient } from '@rejoin/redis';
import { Audit } from './audit/audit.ts';
import { DeadLetters, type Rehearse } from './dead-letters/dead-letters.ts';
import { Events } from './events/events.ts';
import { Partitions } from './partitions/partitions.ts';
import { Sampler } from './partitions/sampler.ts';
import { Pauses } from './pauses/pauses.ts';
import { PendingEntries } from './pending/pending.ts';

export interface OperationsOptions {
  /** For short commands. */
  readonly client: RedisClient;
  readonly keys: Keyspace;
  readonly partitions: number;
  /** Milliseconds between two looks at every partition; 3,000 by default. */
  readonly sampleMs?: number;
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
  readonly deadLetters: DeadLetters;
  readonly events: Events;
  readonly partitions: Partitions;
  readonly pauses: Pauses;
  readonly pending: PendingEntries;
  readonly #sampler: Sampler;

  constructor({ client, keys, partitions, sampleMs, rehearse, onError }: OperationsOptions) {
    this.#sampler = new Sampler({
      client,
      keys,
      partitions,
      onError,
      ...(sampleMs === undefined ? {} : { intervalMs: sampleMs }),
    });
    this.audit = new Audit(client, keys);
    this.deadLetters = new DeadLetters(client, keys, partitions, this.audit, rehearse);
    this.events = new Events(client, keys, partitions, this.audit);
    this.partitions = new Partitions(client, keys, partitions, this.#sampler);
    this.pauses = new Pauses(client, keys, this.audit);
    this.pending = new PendingEntries(client, keys);
  }

  /** Begins to sample. */
  start(): void {
    this.#sampler.start();
  }

  /** Resolves when tasks have ended after their step at hand. */
  async stop(): Promise<void> {
    this.#sampler.stop();
    await this.deadLetters.tasks.stop();
  }
}
