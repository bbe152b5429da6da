import { GROUP, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { type DeadLetterCode, deadLetterRecord, writeAuditLine, writeDeadLetter } from '@rejoin/streams';
import { PREFIX } from './rejoin-system.ts';

const PIPELINE = 1_000;
const CODES: readonly DeadLetterCode[] = ['INVALID_EVENT', 'NO_AUDIENCE_RULE', 'RESOLVER_FAILED', 'RESOLVER_TIMEOUT'];
const SPAN_MS = 86_400_000;
const PAUSE_MS = 3_600_000;

/** Writes what an operator of a busy installation finds, as workers would leave it. */
export class OperatorLoad {
  readonly #client: RedisClient;
  readonly #keys: Keyspace = keyspace(PREFIX);
  readonly #tenants: readonly string[];

  /** @param tenants one of each partition */
  constructor(client: RedisClient, tenants: readonly string[]) {
    this.#client = client;
    this.#tenants = tenants;
  }

  /** Keeps what is appended from now on waiting, as an operator would. */
  async pause(): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const partition of this.#tenants.keys()) {
      pipeline.set(this.#keys.partition(partition).paused, '{"reason":"bench"}', 'PX', PAUSE_MS);
    }
    await pipeline.exec();
  }

  /** Dead letters of all partitions, spread over a day. */
  async addDeadLetters(count: number): Promise<void> {
    const nowMs = Date.now();
    for (let first = 0; first < count; first += PIPELINE) {
      const pipeline = this.#client.pipeline();
      for (let n = first; n < Math.min(count, first + PIPELINE); n++) {
        const partition = n % this.#tenants.length;
        const failedAtMs = nowMs - Math.floor((n / count) * SPAN_MS);
        const entryId = `${failedAtMs}-${n}` as const;
        const code = CODES[Math.floor(n / this.#tenants.length) % CODES.length] as DeadLetterCode;
        const parsed = {
          specversion: '1.0',
          id: `dead-${n}`,
          source: '/bench',
          type: `order.kind-${n % 7}`,
          tenantid: this.#tenants[partition],
          data: { padding: 'x'.repeat(100) },
        };
        const event = JSON.stringify(parsed);
        const record = deadLetterRecord({ entryId, event, parsed, code, message: `failed of ${code}`, failedAtMs });
        writeDeadLetter(pipeline, this.#keys.partition(partition), { entryId, record, failedAtMs });
      }
      await pipeline.exec();
    }
  }

  /** Reads entries that wait, in each partition, for a worker that never finishes them. */
  async leavePending(perPartition: number): Promise<void> {
    const pipeline = this.#client.pipeline();
    for (const partition of this.#tenants.keys()) {
      const { events } = this.#keys.partition(partition);
      pipeline.xreadgroup('GROUP', GROUP, 'bench', 'COUNT', perPartition, 'STREAMS', events, '>');
    }
    await pipeline.exec();
  }

  async addAuditLines(count: number): Promise<void> {
    for (let first = 0; first < count; first += PIPELINE) {
      await Promise.all(
        Array.from({ length: Math.min(PIPELINE, count - first) }, (_, n) =>
          writeAuditLine(this.#client, this.#keys, {
            action: 'payload.show',
            by: `operator-${(first + n) % 10}`,
            tenant: null,
            filter: { deadLetter: `0-${first + n}` },
            count: 1,
            result: 'done',
            reason: 'bench',
            detail: null,
          }),
        ),
      );
    }
  }
}
