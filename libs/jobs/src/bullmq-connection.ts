import { type ConnectionUse, connect, disconnect, type RedisClient } from '@rejoin/redis';
import type { Redis } from 'ioredis';

/** How long BullMQ's own way of ending may take once its connections are closed, in milliseconds. */
const LAST_WAIT_MS = 250;

/** A client for BullMQ, and those that BullMQ makes of it for blocking reads: all can be closed, whatever it waits for. */
export class BullmqConnection {
  readonly client: RedisClient;
  readonly #duplicates: RedisClient[] = [];

  constructor(url: string, use: ConnectionUse, name: string, onError: (error: Error) => void) {
    this.client = connect({ url, use, name, onError });
    const client = this.client as Redis;
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (...args) => {
      const copy = duplicate(...args);
      copy.on('error', onError);
      this.#duplicates.push(copy);
      return copy;
    };
  }

  /**
   * Lets `end` finish for at most `deadlineMs`, which it does only while Redis answers, then closes every connection.
   * @param end reports its failures itself
   */
  async close(end: Promise<unknown>, deadlineMs: number): Promise<void> {
    await within(end, deadlineMs);
    for (const client of [...this.#duplicates, this.client]) disconnect(client);
    await within(end, LAST_WAIT_MS);
  }
}

async function within(end: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([end, late]);
  clearTimeout(timer);
}
