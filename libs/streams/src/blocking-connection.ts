import { disconnect, type RedisClient } from '@rejoin/redis';

/**
 * A connection for one blocking read at a time, with a watchdog: a blocked read may stay unsettled for ever after its
 * connection was lost (ioredis#2193), and a peer that vanished says nothing.
 */
export class BlockingConnection {
  readonly #connect: () => RedisClient;
  #client: RedisClient | undefined;

  /** @param connectBlocking makes a client that does not reconnect by itself */
  constructor(connectBlocking: () => RedisClient) {
    this.#connect = connectBlocking;
  }

  /**
   * Runs one read on the connection, and makes one where there is none. A read that fails, or is unanswered after
   * `timeoutMs`, takes its connection with it.
   */
  async read<Reply>(run: (client: RedisClient) => Promise<Reply>, timeoutMs: number): Promise<Reply> {
    this.#client ??= this.#connect();
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`a blocking read stayed unanswered for ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([run(this.#client), silence]);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection; a read that is under way is rejected. */
  close(): void {
    if (this.#client) disconnect(this.#client);
    this.#client = undefined;
  }
}
