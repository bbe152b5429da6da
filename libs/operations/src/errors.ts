export type OperationErrorCode =
  | 'NOT_FOUND'
  /** What was asked for makes no sense; the message says why. */
  | 'INVALID_REQUEST'
  | 'TENANT_FORBIDDEN'
  /** It cannot be done as things are now. */
  | 'CONFLICT';

/** An operation that is not carried out, with the reason in words. */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly code: OperationErrorCode;

  constructor(code: OperationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
