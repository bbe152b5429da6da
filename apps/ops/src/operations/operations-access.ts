import type { AudienceResolver } from '@rejoin/audience';
import { Operations } from '@rejoin/operations';
import { type DomainEvent, parseRoom } from '@rejoin/protocol';
import { connect, disconnect, type Keyspace, openInstallation, type RedisClient } from '@rejoin/redis';
import type { Logger } from '@rejoin/runtime';

export interface OperationsAccessOptions {
  readonly redisUrl: string;
  readonly keys: Keyspace;
  readonly partitions?: number;
  readonly replay: { readonly windowMs: number; readonly maxBytes: number };
  readonly sampleMs?: number;
  readonly resolver: AudienceResolver;
  readonly logger: Logger;
}

/**
 * The operator's use cases, from when Redis was first reached: how many partitions there are, only it knows. Until then every
 * request tries, and says that Redis is away.
 */
export class OperationsAccess {
  readonly #options: OperationsAccessOptions;
  readonly #client: RedisClient;
  #opening: Promise<Operations> | undefined;
  #operations: Operations | undefined;
  #stopped = false;

  constructor(options: OperationsAccessOptions) {
    this.#options = options;
    this.#client = connect({
      url: options.redisUrl,
      use: 'commands',
      name: 'rejoin-ops',
      onError: (error) => options.logger.warn({ err: error }, 'connection to Redis'),
    });
  }

  /** @throws the failure of Redis */
  async open(): Promise<Operations> {
    if (this.#operations) return this.#operations;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#operations?.stop();
    disconnect(this.#client);
  }

  async #rehearse(event: DomainEvent): Promise<{ audience: string[] | null; refusal: string | null }> {
    const resolution = await this.#options.resolver.resolve(event);
    return resolution.ok
      ? { audience: resolution.rooms.map((room) => parseRoom(room).token), refusal: null }
      : { audience: null, refusal: `${resolution.code}: ${resolution.message}` };
  }

  async #open(): Promise<Operations> {
    const { keys, partitions: configured, sampleMs, logger } = this.#options;
    const { partitions } = await openInstallation(this.#client, keys, configured);
    const operations = new Operations({
      client: this.#client,
      redisUrl: this.#options.redisUrl,
      replay: this.#options.replay,
      keys,
      partitions,
      ...(sampleMs === undefined ? {} : { sampleMs }),
      rehearse: (event) => this.#rehearse(event),
      onError: (error) => logger.warn({ err: error }, 'looking at the partitions failed, trying again'),
    });
    if (this.#stopped) throw new Error('the process is stopping');
    operations.start();
    this.#operations = operations;
    return operations;
  }
}
