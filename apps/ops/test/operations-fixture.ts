import { JobRunner } from '@rejoin/jobs';
import { connect, disconnect, type Keyspace, keyspace, type RedisClient } from '@rejoin/redis';
import { testRedis, tokenFor } from '@rejoin/testing';
import { type Answer, RunningOps } from './running-ops.ts';

/** May look at everything. */
export const READER = tokenFor({ sub: 'rita', scope: 'ops:read' });
/** May look and act. */
export const OPERATOR = tokenFor({ sub: 'olga', scope: 'ops:read ops:write' });
/** May look and act, in one tenant. */
export const ACME_OPERATOR = tokenFor({ sub: 'anna', tenant: 'acme', scope: 'ops:read ops:write' });

/** The ops app with Redis beside it. */
export class OperationsFixture {
  readonly ops: RunningOps;
  readonly client: RedisClient;
  readonly keys: Keyspace;

  #runner: JobRunner | undefined;

  private constructor(ops: RunningOps) {
    this.ops = ops;
    this.keys = keyspace(ops.prefix);
    this.client = connect({ url: testRedis(), use: 'commands', name: 'test', onError: () => undefined });
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<OperationsFixture> {
    return new OperationsFixture(await RunningOps.start(environment));
  }

  /** Runs tasks, as every worker does. */
  startTasks(): void {
    this.#runner = new JobRunner({
      redisUrl: testRedis(),
      keys: this.keys,
      partitions: 8,
      release: () => Promise.resolve(),
      upkeep: () => Promise.resolve(),
      rehearse: () => Promise.resolve({ rooms: [] }),
      onError: () => undefined,
    });
    this.#runner.start();
  }

  async stop(): Promise<void> {
    await this.#runner?.stop();
    disconnect(this.client);
    await this.ops.stop();
  }

  get(path: string, token: string | null = READER): Promise<Answer> {
    return this.ops.request(path, { headers: token === null ? {} : { authorization: `Bearer ${token}` } });
  }

  post(path: string, body: unknown, token: string | null = OPERATOR): Promise<Answer> {
    return this.ops.request(path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
    });
  }
}
