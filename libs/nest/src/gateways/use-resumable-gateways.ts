import type { INestApplication } from '@nestjs/common';
import { ResumableGateway } from '@rejoin/socketio';
import type { ServerOptions } from 'socket.io';
import { ClientCommands } from './client-commands.ts';
import { ResumableIoAdapter } from './resumable-io-adapter.ts';

/**
 * Starts the application's `ResumableGateway` and puts it under every `@WebSocketGateway()`. Call it before `listen()`.
 * @param options of the Socket.IO server; those that make it safe are the gateway's own
 * @throws EscapedHandlerError where a gateway's handler escapes the command pipeline, or one listens elsewhere
 * @throws PartitionCountMismatchError
 */
export async function useResumableGateways(
  app: INestApplication,
  options: Partial<ServerOptions> = {},
): Promise<ResumableGateway> {
  const gateway = app.get(ResumableGateway);
  app.get(ClientCommands).register(gateway);
  await gateway.start();
  app.useWebSocketAdapter(new ResumableIoAdapter(app, gateway, options));
  return gateway;
}
