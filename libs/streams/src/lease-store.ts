import { randomBytes } from 'node:crypto';
import { type Keyspace, loadScript, type RedisClient } from '@rejoin/redis';
import { PartitionLease } from './partition-lease.ts';

const acquireScript = loadScript('lease-acquire', import.meta.url);
const renewScript = loadScript('lease-renew', import.meta.url);
const releaseScript = loadScript('lease-release', import.meta.url);
const workersScript = loadScript('workers', import.meta.url);

/** Leases and heartbeats as Redis keeps them. Every method is one round trip. */
export class LeaseStore {
  readonly #client: RedisClient;
  readonly #keys: Keyspace;
  readonly #ttlMs: number;

  /** @param ttlMs how long a lease and a heartbeat hold without being renewed, in milliseconds */
  constructor(client: RedisClient, keys: Keyspace, ttlMs: number) {
    this.#client = client;
    this.#keys = keys;
    this.#ttlMs = ttlMs;
  }

  /**
   * Takes a partition's lease, or resolves to `null` where somebody holds it.
   * @param workerId shown to operators as the owner
   */
  async acquire(partition: number, workerId = 'unnamed'): Promise<PartitionLease | null> {
    const { lease, fence, owner } = this.#keys.partition(partition);
    const validUntilMs = performance.now() + this.#ttlMs;
    const random = randomBytes(9).toString('base64url');
    const args = [random, this.#ttlMs, workerId];
    const token = (await acquireScript.run(this.#client, [lease, fence, owner], args)) as string | null;
    return token === null ? null : new PartitionLease(partition, token, validUntilMs);
  }

  /** Prolongs a lease; says whether it is still held. */
  async renew(lease: PartitionLease): Promise<boolean> {
    const validUntilMs = performance.now() + this.#ttlMs;
    const key = this.#keys.partition(lease.partition).lease;
    const held = (await renewScript.run(this.#client, [key], [lease.token, this.#ttlMs])) === 1;
    if (held) lease.prolong(validUntilMs);
    return held;
  }

  /** Gives a lease back, if it is still held. */
  async release(lease: PartitionLease): Promise<void> {
    await releaseScript.run(this.#client, [this.#keys.partition(lease.partition).lease], [lease.token]);
  }

  async isFree(partition: number): Promise<boolean> {
    return (await this.#client.exists(this.#keys.partition(partition).lease)) === 0;
  }

  /** The ids of the workers that live, after a heartbeat of `workerId` where `beat` is set. */
  async livingWorkers(workerId: string, beat: boolean): Promise<string[]> {
    return (await workersScript.run(
      this.#client,
      [this.#keys.workers],
      [workerId, this.#ttlMs, beat ? 1 : 0],
    )) as string[];
  }

  /** Takes a worker off the list, so that the others take over its partitions at once. */
  async removeWorker(workerId: string): Promise<void> {
    await this.#client.zrem(this.#keys.workers, workerId);
  }
}
