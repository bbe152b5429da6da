import { randomUUID } from 'node:crypto';
import { connect, disconnect, type Keyspace, type RedisClient } from '@rejoin/redis';
import type { ControlAnswer, ControlRequest, ReplyTo } from './control-messages.ts';

export interface GatewayControlOptions {
  readonly redisUrl: string;
  readonly keys: Keyspace;
  /** How long gateways have to answer, in milliseconds; 1,500 by default. */
  readonly deadlineMs?: number;
  onError(error: Error): void;
}

/** A gateway that lives, and what it answered. */
export interface GatewayAnswer<Reply> {
  readonly gateway: string;
  readonly lastSeenMs: number;
  /** `null` where it did not answer in time, or failed. */
  readonly reply: Reply | null;
}

interface Question {
  take(answer: ControlAnswer): void;
}

/** A gateway that was not heard of for this long is gone, in milliseconds. */
const GATEWAY_TTL_MS = 15_000;

/**
 * Asks every gateway of an installation. Over a channel, for an answer that comes late is of no use: who lives is known from the
 * heartbeats, so who did not answer before the deadline is named, and nobody is waited for that is gone.
 */
export class GatewayControl {
  readonly #options: GatewayControlOptions;
  readonly #channel: string;
  readonly #questions = new Map<string, Question>();
  readonly #client: RedisClient;
  readonly #subscriber: RedisClient;
  #subscribed: Promise<unknown> | undefined;

  constructor(options: GatewayControlOptions) {
    const { redisUrl: url, keys, onError } = options;
    this.#options = options;
    this.#channel = `${keys.control}:${randomUUID()}`;
    this.#client = connect({ url, use: 'commands', name: 'rejoin-control', onError });
    this.#subscriber = connect({ url, use: 'background', name: 'rejoin-control-replies', onError });
    this.#subscriber.on('message', (_: string, text: string) => this.#take(text));
  }

  close(): void {
    disconnect(this.#client);
    disconnect(this.#subscriber);
  }

  /** Resolves when every living gateway has answered, or at the deadline. */
  async ask<Request extends ControlRequest>(request: Request): Promise<GatewayAnswer<ReplyTo<Request>>[]> {
    const { keys, deadlineMs = 1_500 } = this.#options;
    const living = await this.#living();
    if (living.size === 0) return [];
    this.#subscribed ??= this.#subscriber.subscribe(this.#channel);
    await this.#subscribed;
    const id = randomUUID();
    const answers = new Map<string, ControlAnswer>();
    const answered = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs);
      this.#questions.set(id, {
        take(answer) {
          answers.set(answer.gateway, answer);
          if (![...living.keys()].every((gateway) => answers.has(gateway))) return;
          clearTimeout(timer);
          resolve();
        },
      });
    });
    try {
      await this.#client.publish(keys.control, JSON.stringify({ id, replyTo: this.#channel, request }));
      await answered;
    } finally {
      this.#questions.delete(id);
    }
    // One that started a moment ago may answer before its first heartbeat is seen.
    for (const gateway of answers.keys()) if (!living.has(gateway)) living.set(gateway, Date.now());
    return [...living].map(([gateway, lastSeenMs]) => ({
      gateway,
      lastSeenMs,
      reply: (answers.get(gateway)?.reply as ReplyTo<Request> | undefined) ?? null,
    }));
  }

  async #living(): Promise<Map<string, number>> {
    const [[seconds], flat] = await Promise.all([
      this.#client.time() as Promise<[number, number]>,
      this.#client.zrange(this.#options.keys.gateways, '0', '-1', 'WITHSCORES'),
    ]);
    const living = new Map<string, number>();
    for (let i = 0; i < flat.length; i += 2) {
      const seenMs = Number(flat[i + 1]);
      if (Number(seconds) * 1_000 - seenMs < GATEWAY_TTL_MS) living.set(flat[i] as string, seenMs);
    }
    return living;
  }

  #take(text: string): void {
    const answer = JSON.parse(text) as ControlAnswer;
    if (answer.error !== undefined) this.#options.onError(new Error(`gateway ${answer.gateway}: ${answer.error}`));
    this.#questions.get(answer.id)?.take(answer);
  }
}
