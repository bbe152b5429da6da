import type { RateLimit } from '../limits/rate-limit.ts';
import type { CommandContext } from './command.ts';
import type { CommandLimiter } from './command-pipeline.ts';

/** Limits how often clients send commands: per socket, and per user over all gateways. */
export class CommandLimits implements CommandLimiter {
  readonly #perSocket: RateLimit;
  readonly #perUser: RateLimit;

  constructor(perSocket: RateLimit, perUser: RateLimit) {
    this.#perSocket = perSocket;
    this.#perUser = perUser;
  }

  async admit({ socket, connection: { principal } }: CommandContext): Promise<void> {
    await this.#perSocket.consume(socket.id);
    await this.#perUser.consume(JSON.stringify([principal.tenantId, principal.userId]));
  }

  async forget({ socket }: CommandContext): Promise<void> {
    await this.#perSocket.forget(socket.id);
  }
}
