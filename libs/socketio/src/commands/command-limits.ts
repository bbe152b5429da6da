import type { Connection } from '../connection.ts';
import { RefusedError } from '../errors.ts';
import type { LimitListener } from '../limits/limit-listener.ts';
import type { RateLimit } from '../limits/rate-limit.ts';
import { OversizedArguments } from './client-parser.ts';
import type { CommandContext } from './command.ts';
import type { CommandLimiter } from './command-pipeline.ts';

/** Commands of one connection that are refused in a row before it is ended: each refusal is work too. */
const MAX_REFUSED = 1_000;

/** Limits how often clients send commands, per socket and per user over all gateways, and how large and deep they are. */
export class CommandLimits implements CommandLimiter {
  readonly #perSocket: RateLimit;
  readonly #perUser: RateLimit;

  readonly #listener: LimitListener;
  readonly #refused = new WeakMap<Connection, number>();

  constructor(perSocket: RateLimit, perUser: RateLimit, listener: LimitListener) {
    this.#perSocket = perSocket;
    this.#perUser = perUser;
    this.#listener = listener;
  }

  async admit({ socket, connection }: CommandContext, args: readonly unknown[]): Promise<void> {
    const { principal } = connection;
    await this.#perSocket.consume(socket.id).catch((error: unknown) => this.#countRefusal(connection, error));
    this.#refused.delete(connection);
    await this.#perUser.consume(JSON.stringify([principal.tenantId, principal.userId]));
    const excess = args.find((arg) => arg instanceof OversizedArguments);
    if (!excess) return;
    this.#listener.onLimited(excess.scope);
    throw new RefusedError('INVALID_PAYLOAD', excess.message);
  }

  /** @throws the refusal */
  #countRefusal(connection: Connection, error: unknown): never {
    const refused = (this.#refused.get(connection) ?? 0) + 1;
    this.#refused.set(connection, refused);
    if (refused >= MAX_REFUSED && error instanceof RefusedError) connection.close(error.data);
    throw error;
  }

  async forget({ socket }: CommandContext): Promise<void> {
    await this.#perSocket.forget(socket.id);
  }
}
