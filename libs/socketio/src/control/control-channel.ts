import { disconnect, type Keyspace, type RedisClient } from '@rejoin/redis';
import type { ControlAnswer, ControlEnvelope, ControlReply, ControlRequest } from './control-messages.ts';

export interface ControlChannelOptions {
  readonly gatewayId: string;
  readonly keys: Keyspace;
  /** For answers. */
  readonly client: RedisClient;
  /** For nothing but listening; closed with the channel. */
  readonly subscriber: RedisClient;
  answer(request: ControlRequest): ControlReply;
  onError(error: unknown): void;
}

/** A gateway's end of the operators' channel. */
export class ControlChannel {
  readonly #options: ControlChannelOptions;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  /** Resolves when questions are heard. */
  async start(): Promise<void> {
    const { subscriber, keys, onError } = this.#options;
    subscriber.on('message', (_: string, text: string) => {
      this.#hear(text).catch(onError);
    });
    await subscriber.subscribe(keys.control);
  }

  stop(): void {
    disconnect(this.#options.subscriber);
  }

  async #hear(text: string): Promise<void> {
    const { gatewayId: gateway, client } = this.#options;
    const { id, replyTo, request } = JSON.parse(text) as ControlEnvelope;
    let answer: ControlAnswer;
    try {
      answer = { id, gateway, reply: this.#options.answer(request) };
    } catch (error) {
      answer = { id, gateway, error: (error as Error).message };
    }
    await client.publish(replyTo, JSON.stringify(answer));
  }
}
