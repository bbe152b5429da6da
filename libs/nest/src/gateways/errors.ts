/** A gateway has a way past the command pipeline or past admission, so past every check; the application must not start. */
export class EscapedHandlerError extends Error {
  readonly code = 'ESCAPED_HANDLER';
  override readonly name = 'EscapedHandlerError';
}
