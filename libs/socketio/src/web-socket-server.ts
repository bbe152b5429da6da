import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** @see https://github.com/websockets/ws/blob/master/doc/ws.md#ws_err_unsupported_message_length */
const TOO_LARGE = 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';

/**
 * The server of `ws` as Engine.IO's `wsEngine` option takes it, which tells of every WebSocket that ends because its client sent a
 * larger message than it may: also of one that only proves itself before a client that polls moves to it, of which Engine.IO
 * says nothing when it fails.
 */
export function webSocketServer(onTooLarge: () => void): typeof WebSocketServer {
  // One listener for all: it keeps nothing of a connection.
  const onError = ({ code }: Error & { readonly code?: string }): void => {
    if (code === TOO_LARGE) onTooLarge();
  };
  return class extends WebSocketServer {
    override handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      callback: (client: WebSocket, request: IncomingMessage) => void,
    ): void {
      super.handleUpgrade(request, socket, head, (client, upgraded) => {
        client.on('error', onError);
        callback(client, upgraded);
      });
    }
  } as typeof WebSocketServer;
}
