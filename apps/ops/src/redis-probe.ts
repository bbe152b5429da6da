import { setTimeout as delay } from 'node:timers/promises';
import { connect, disconnect, type RedisClient } from '@rejoin/redis';

/** Milliseconds between two probes, and that one may take. */
const INTERVAL_MS = 1_000;

/** Whether Redis answers, tried once a second on a connection of its own: one that is silent looks open for minutes. */
export class RedisProbe {
  readonly #client: RedisClient;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #failure: string | undefined = 'not connected yet';

  constructor(url: string) {
    this.#client = connect({
      url,
      use: 'commands',
      name: 'ops-probe',
      commandTimeoutMs: INTERVAL_MS,
      onError: (error) => {
        this.#failure = error.message;
      },
    });
  }

  get ready(): boolean {
    return this.#failure === undefined && this.#client.status === 'ready';
  }

  /** Why it is not ready. */
  get failure(): string | undefined {
    return this.ready ? undefined : (this.#failure ?? 'not connected');
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    disconnect(this.#client);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#client.ping();
        this.#failure = undefined;
        await delay(INTERVAL_MS, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        this.#failure = (error as Error).message;
        await delay(INTERVAL_MS / 4);
      }
    }
  }
}
