import { type CustomDecorator, SetMetadata } from '@nestjs/common';
import type { Command } from '@rejoin/socketio';

/** Everything about a command but its name and what it does. */
export type ClientCommandOptions = Pick<Command, 'schema' | 'roles' | 'scopes' | 'timeoutMs'>;

export interface ClientCommandMetadata extends ClientCommandOptions {
  readonly name: string;
}

export const CLIENT_COMMAND = Symbol('client command');

/**
 * Makes a method of a `@WebSocketGateway()` a command that clients may send. It is called with the checked input and the
 * `CommandContext`; what it returns is acknowledged as `data`, a `RefusedError` as its code. It takes the place of Nest's
 * `@SubscribeMessage()`, which knows neither guards nor limits and is refused at start.
 *
 *     @ClientCommand('orders:watch', { schema: WatchOrder })
 *     watch({ orderId }: WatchOrder, { connection }: CommandContext) { … }
 */
export const ClientCommand = (name: string, options: ClientCommandOptions): CustomDecorator<symbol> =>
  SetMetadata(CLIENT_COMMAND, { name, ...options } satisfies ClientCommandMetadata);
