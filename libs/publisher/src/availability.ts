import { setTimeout as delay } from 'node:timers/promises';
import type { RedisClient } from '@rejoin/redis';

/**
 * Whether commands can be sent to Redis, as far as the client knows. A client that has not connected yet counts as
 * reachable: its first commands wait for it. Once a connection was lost it is unreachable until the next is ready.
 */
export class Availability {
  readonly #client: RedisClient;
  #lost: boolean;
  /** Replaced at every loss: what was read from Redis before it may be out of date. */
  #losses = 0;
  #wake = new AbortController();
  readonly #onReady = (): void => {
    this.#lost = false;
    this.wake();
  };
  readonly #onClose = (): void => {
    this.#lost = true;
    this.#losses += 1;
  };

  constructor(client: RedisClient) {
    this.#client = client;
    this.#lost = ['close', 'reconnecting', 'end'].includes(client.status);
    client.on('ready', this.#onReady);
    client.on('close', this.#onClose);
  }

  get reachable(): boolean {
    return !this.#lost || this.#client.status === 'ready';
  }

  /** How often the connection was lost. */
  get losses(): number {
    return this.#losses;
  }

  /** Resolves after `ms`, when the client becomes ready, or when woken. */
  async wait(ms: number): Promise<void> {
    try {
      await delay(ms, undefined, { signal: this.#wake.signal });
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
    }
  }

  /** Ends every wait. */
  wake(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  release(): void {
    this.#client.off('ready', this.#onReady);
    this.#client.off('close', this.#onClose);
    this.wake();
  }
}
