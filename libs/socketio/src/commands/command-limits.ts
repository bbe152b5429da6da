import { RefusedError } from '../errors.ts';
import type { LimitListener } from '../limits/limit-listener.ts';
import type { RateLimit } from '../limits/rate-limit.ts';
import { OversizedArguments } from './client-parser.ts';
import type { CommandContext } from './command.ts';
import type { CommandLimiter } from './command-pipeline.ts';

/** Limits how often clients send commands, per socket and per user over all gateways, and how large and deep they are. */
export class CommandLimits implements CommandLimiter {
  readonly #perSocket: RateLimit;
  readonly #perUser: RateLimit;

  readonly #listener: LimitListener;

  constructor(perSocket: RateLimit, perUser: RateLimit, listener: LimitListener) {
    this.#perSocket = perSocket;
    this.#perUser = perUser;
    this.#listener = listener;
  }

  async admit({ socket, connection: { principal } }: CommandContext, args: readonly unknown[]): Promise<void> {
    await this.#perSocket.consume(socket.id);
    await this.#perUser.consume(JSON.stringify([principal.tenantId, principal.userId]));
    const excess = args.find((arg) => arg instanceof OversizedArguments);
    if (!excess) return;
    this.#listener.onLimited(excess.scope);
    throw new RefusedError('INVALID_PAYLOAD', excess.message);
  }

  async forget({ socket }: CommandContext): Promise<void> {
    await this.#perSocket.forget(socket.id);
  }
}
