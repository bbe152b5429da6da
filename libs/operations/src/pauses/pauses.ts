import type { Keyspace, RedisClient } from '@rejoin/redis';
import { MAX_PAUSE_MS, pauseOf, pausePartition, resumePartition } from '@rejoin/streams';
import { type Actor, requireAllTenants } from '../actor.ts';
import type { Audit } from '../audit/audit.ts';
import { OperationError } from '../errors.ts';
import type { Sampler } from '../partitions/sampler.ts';
import type { PauseOutcome, PauseView } from './pause-view.ts';

export interface PauseRequest {
  readonly durationMs: number;
  readonly reason: string;
  readonly dryRun?: boolean;
}

export interface ResumeRequest {
  readonly reason: string;
  readonly dryRun?: boolean;
}

/** Stops partitions for a time, and lets them go on. */
export class Pauses {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #audit: Audit;
  readonly #sampler: Sampler;

  constructor(client: RedisClient, keys: Keyspace, audit: Audit, sampler: Sampler) {
    this.#sampler = sampler;
    this.#client = client;
    this.#keys = keys;
    this.#audit = audit;
  }

  /** Takes the place of a pause that is in force. @throws OperationError */
  async pause(
    actor: Actor,
    partition: number,
    { durationMs, reason, dryRun = false }: PauseRequest,
  ): Promise<PauseOutcome> {
    requireAllTenants(actor);
    if (durationMs > MAX_PAUSE_MS)
      throw new OperationError('INVALID_REQUEST', `a pause lasts at most ${MAX_PAUSE_MS} ms`);
    const until = new Date(Date.now() + durationMs).toISOString();
    const planned = { until, reason, by: actor.user, remainingMs: durationMs };
    if (dryRun) return { partition, dryRun, changed: true, pause: planned, replayCostMs: durationMs };
    await pausePartition(this.#client, this.#keys.partition(partition), { forMs: durationMs, reason, by: actor.user });
    // Who looks next sees it.
    await this.#sampler.lookAt(partition);
    const filter = { partition, durationMs };
    await this.#audit.write(actor, { action: 'partition.pause', filter, count: 1, result: 'done', reason });
    return { partition, dryRun, changed: true, pause: await this.#inForce(partition), replayCostMs: durationMs };
  }

  /** @throws OperationError */
  async resume(actor: Actor, partition: number, { reason, dryRun = false }: ResumeRequest): Promise<PauseOutcome> {
    requireAllTenants(actor);
    const before = await this.#inForce(partition);
    if (dryRun) return { partition, dryRun, changed: before !== null, pause: before, replayCostMs: null };
    const changed = await resumePartition(this.#client, this.#keys.partition(partition));
    if (changed) {
      await this.#sampler.lookAt(partition);
      await this.#audit.write(actor, {
        action: 'partition.resume',
        filter: { partition },
        count: 1,
        result: 'done',
        reason,
      });
    }
    return { partition, dryRun, changed, pause: null, replayCostMs: null };
  }

  async #inForce(partition: number): Promise<PauseView | null> {
    const pause = await pauseOf(this.#client, this.#keys.partition(partition));
    if (pause === null) return null;
    const { untilMs, reason, by } = pause;
    const remainingMs = Math.max(0, untilMs - Date.now());
    return { until: new Date(untilMs).toISOString(), reason, by: by ?? null, remainingMs };
  }
}
