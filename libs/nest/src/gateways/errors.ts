/** A gateway binds a method to a message past the command pipeline, so past every check; the application must not start. */
export class EscapedHandlerError extends Error {
  readonly code = 'ESCAPED_HANDLER';
  override readonly name = 'EscapedHandlerError';

  constructor(gateway: string, method: string) {
    super(`${gateway}.${method} uses @SubscribeMessage(), which escapes the command pipeline; use @ClientCommand()`);
  }
}
